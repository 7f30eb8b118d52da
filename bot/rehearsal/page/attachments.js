// Files of a message: a chip to download, the picture, and the words inside when they are text.

import { el, icon } from "/page/dom.js";

const PREVIEW_BYTES = 200_000;
const PREVIEW_CHARACTERS = 4_000;

function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 * 1024 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

function ours(address) {
  return /^\/(?!\/)/.test(String(address));
}

export function attachment(file) {
  const words = [icon("file"), el("span", { class: "file-name" }, file.name), el("span", { class: "quiet" }, size(file.size))];
  if (!ours(file.url)) return el("div", { class: "file" }, el("div", { class: "chip" }, words));
  const chip = el("a", { class: "chip", href: file.url, download: file.name, "data-focus": `file ${file.id}` }, words);
  return el("div", { class: "file" }, chip, pictured(file) ? picture(file) : null, readable(file) ? preview(file) : null);
}

function pictured(file) {
  return file.mimetype === "image/png";
}

function picture(file) {
  return el("img", { class: "picture-preview", src: file.url, alt: file.name, loading: "lazy" });
}

function readable(file) {
  return /^text\/|json$/.test(file.mimetype) && file.size <= PREVIEW_BYTES;
}

function preview(file) {
  const words = el("pre", {}, "Loading…");
  const load = async (event) => {
    if (!event.currentTarget.open || words.dataset.loaded) return;
    words.dataset.loaded = "yes";
    words.textContent = await start(file);
  };
  return el("details", { class: "preview", ontoggle: load }, el("summary", { "data-focus": `preview ${file.id}` }, "Preview"), words);
}

async function start(file) {
  const response = await fetch(file.url).catch(() => null);
  if (!response?.ok) return "The file could not be read. Download it instead.";
  const text = await response.text();
  return text.length > PREVIEW_CHARACTERS ? `${text.slice(0, PREVIEW_CHARACTERS)}\n…` : text;
}
