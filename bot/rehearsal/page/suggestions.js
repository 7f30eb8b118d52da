// The list above a composer. The field keeps the focus; the list says which line is chosen.

import { el } from "/page/dom.js";

export class Suggestions {
  constructor(id, field, take) {
    this.field = field;
    this.take = take;
    this.items = [];
    this.chosen = -1;
    this.node = el("ul", { class: "suggestions", id, role: "listbox", "aria-label": "Suggestions", hidden: true });
  }

  show(found) {
    this.items = found?.items ?? [];
    this.chosen = found?.eager ? 0 : -1;
    this.node.hidden = this.items.length === 0;
    this.node.replaceChildren(...this.items.map((item, n) => this.line(item, n)));
    this.mark();
  }

  hide() {
    this.show(null);
  }

  line(item, n) {
    const pick = (event) => {
      event.preventDefault();
      this.take(item);
    };
    return el("li", { role: "option", id: `${this.node.id}-${n}`, onmousedown: pick },
      el("span", { class: "suggestion-label" }, item.label), el("span", { class: "quiet" }, item.hint));
  }

  mark() {
    [...this.node.children].forEach((line, n) => line.setAttribute("aria-selected", String(n === this.chosen)));
    const line = this.node.children[this.chosen];
    if (line) this.field.setAttribute("aria-activedescendant", line.id);
    else this.field.removeAttribute("aria-activedescendant");
    line?.scrollIntoView({ block: "nearest" });
  }

  move(by) {
    const count = this.items.length;
    this.chosen = this.chosen < 0 && by < 0 ? count - 1 : (this.chosen + by + count) % count;
    this.mark();
  }

  /** Whether the key was for the list. */
  pressed(event) {
    if (this.items.length === 0 || event.shiftKey) return false;
    if (event.key === "ArrowDown") this.move(1);
    else if (event.key === "ArrowUp") this.move(-1);
    else if (event.key === "Escape") this.hide();
    else if (event.key === "Tab") this.take(this.items[Math.max(0, this.chosen)]);
    else if (event.key === "Enter" && this.chosen >= 0) this.take(this.items[this.chosen]);
    else return false;
    return true;
  }
}
