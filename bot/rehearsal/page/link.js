// Links: only three schemes, a new tab that knows nothing of us, and the host in sight where it is not this page's.

import { el } from "/page/dom.js";

const SCHEMES = new Set(["http:", "https:", "mailto:"]);

function parsed(address) {
  try {
    const url = new URL(address);
    return SCHEMES.has(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

/** A link with `children` as its words, or just the words where the address is not one to follow. */
export function link(address, children, words) {
  const url = parsed(address);
  if (!url) return [...children, address === words ? "" : ` (${address})`];
  const anchor = el("a", { href: url.href, target: "_blank", rel: "noopener noreferrer" }, children);
  const place = url.host || url.pathname;
  if (url.host === location.host || words.toLowerCase().includes(place.toLowerCase())) return [anchor];
  return [anchor, el("span", { class: "host" }, ` (${place})`)];
}
