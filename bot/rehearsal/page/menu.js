// A small menu behind a button: opened with a press, closed with Escape, a choice, or by going elsewhere.

import { el, icon } from "/page/dom.js";

/** `items` are [{label, pick}]. */
export function menu(label, sign, items) {
  const node = el("details", { class: "menu", onkeydown: (event) => closed(event, node), onfocusout: (event) => left(event, node) },
    el("summary", { class: "tool", title: label, "aria-label": label, "data-focus": `menu ${label}` }, icon(sign)),
    el("ul", {}, items.map((item) => el("li", {}, el("button", {
      type: "button",
      "data-focus": `menu ${item.label}`,
      onclick: () => {
        node.open = false;
        item.pick();
      },
    }, item.label)))));
  return node;
}

function closed(event, node) {
  if (event.key !== "Escape" || !node.open) return;
  event.preventDefault();
  event.stopPropagation();
  node.open = false;
  node.querySelector("summary").focus();
}

function left(event, node) {
  if (event.relatedTarget && !node.contains(event.relatedTarget)) node.open = false;
}
