// Building nodes. Words only ever become text nodes, and attribute names are always our own.

const SVG = "http://www.w3.org/2000/svg";
const REFUSED = new Set(["style", "srcdoc", "innerhtml"]);

/** An element. A function as a value is a listener: `{onclick: f}`. null, undefined and false leave out. */
export function el(tag, attributes = {}, ...children) {
  return dressed(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return dressed(document.createElementNS(SVG, tag), attributes, children);
}

function dressed(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") {
      node.addEventListener(name.slice(2), value);
      continue;
    }
    if (name.startsWith("on") || REFUSED.has(name)) throw new Error(`attribute ${name} is refused`);
    node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...present(children));
  return node;
}

/** Nested lists flattened, without the empty places. */
export function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

export function fragment(...children) {
  const made = document.createDocumentFragment();
  made.append(...present(children));
  return made;
}

/** Words for screen readers only. */
export function unseen(text) {
  return el("span", { class: "unseen" }, text);
}

const ICONS = {
  back: "M10.5 3.5 6 8l4.5 4.5",
  close: "M4 4l8 8M12 4l-8 8",
  send: "M2.5 8h11M9 3.5 13.5 8 9 12.5",
  reply: "M3 4.5h10v6H7.5L5 13v-2.5H3z",
  file: "M4.5 2.5h4.5l3 3v8h-7.5zM9 2.5v3h3",
  clip: "M6 4.5v6a2 2 0 0 0 4 0V4a3 3 0 0 0-6 0v6.5a4 4 0 0 0 8 0V4.5",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  plus: "M8 3.5v9M3.5 8h9",
  lock: "M4.5 7.5h7v5.5h-7zM6 7.5V5.5a2 2 0 0 1 4 0v2",
};

export function icon(name) {
  const look = { viewBox: "0 0 16 16", class: "icon", "aria-hidden": "true", focusable: "false" };
  return svg("svg", look, svg("path", { d: ICONS[name] }));
}
