// Behind the scenes: what went over the wire, who was pinged, and how Claude should fail next.

import { claudeTab } from "/page/claude_tab.js";
import { el, icon, unseen } from "/page/dom.js";
import { pingedTab } from "/page/pinged_tab.js";
import { wireTab } from "/page/wire_tab.js";

const TABS = [
  { id: "wire", label: "Wire", make: wireTab },
  { id: "pinged", label: "Pinged", make: pingedTab },
  { id: "claude", label: "Claude", make: claudeTab },
];

export class Panel {
  constructor(root, { close, realClaude }) {
    this.chosen = "wire";
    this.tabs = TABS.map(({ id, label, make }) => {
      const button = el("button", {
        type: "button", role: "tab", id: `tab-${id}`, "aria-controls": `tab-${id}-page`,
        onclick: () => this.choose(id), onkeydown: (event) => this.walk(event),
      }, label);
      const tab = make({ realClaude });
      const page = el("div", { role: "tabpanel", id: `tab-${id}-page`, class: "tab-page", "aria-labelledby": `tab-${id}` }, tab.node);
      return { id, button, page, tab };
    });
    root.append(
      el("header", { class: "bar" },
        el("button", { type: "button", class: "back", onclick: close }, icon("back"), unseen("Back")),
        el("div", { class: "bar-words" }, el("h2", {}, "Behind the scenes")),
        el("button", { type: "button", class: "tool close", onclick: close }, icon("close"), unseen("Close"))),
      el("div", { class: "tabs", role: "tablist", "aria-label": "Behind the scenes" }, this.tabs.map(({ button }) => button)),
      ...this.tabs.map(({ page }) => page),
    );
    this.choose("wire");
  }

  choose(id) {
    this.chosen = id;
    for (const { id: each, button, page } of this.tabs) {
      button.setAttribute("aria-selected", String(each === id));
      button.tabIndex = each === id ? 0 : -1;
      page.hidden = each !== id;
    }
    if (this.model) this.show(this.model);
  }

  walk(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    const at = this.tabs.findIndex(({ id }) => id === this.chosen);
    const next = this.tabs[(at + by + this.tabs.length) % this.tabs.length];
    this.choose(next.id);
    next.button.focus();
  }

  focus() {
    this.tabs.find(({ id }) => id === this.chosen).button.focus();
  }

  show(model) {
    this.model = model;
    this.tabs.find(({ id }) => id === this.chosen).tab.show(model);
  }
}
