// The app's Home tab, as the bot has published it for the acting person.

import { HOME, LIST, addressOf } from "/page/address.js";
import { blockNodes } from "/page/blocks.js";
import { el, icon, unseen } from "/page/dom.js";
import { ownDm } from "/page/model.js";
import { reconcile } from "/page/reconcile.js";

export class HomeView {
  constructor(root) {
    this.tabs = el("nav", { class: "app-tabs", "aria-label": "Onequeue" });
    this.body = el("div", { class: "messages home", tabindex: "0", role: "region", "aria-label": "Home" });
    this.note = el("p", { class: "composer-note home-note", role: "alert", hidden: true });
    root.append(
      el("header", { class: "bar" },
        el("a", { class: "back", href: LIST }, icon("back"), unseen("Back to channels")),
        el("div", { class: "bar-words" }, el("h1", { id: "home-title" }, "Onequeue")),
        this.tabs),
      this.note,
      this.body,
    );
  }

  show(model) {
    showTabs(this.tabs, model, "home");
    const view = model.state.home ?? null;
    reconcile(this.body, [view ? viewItem(model, view) : nothing()]);
  }

  say(text) {
    this.note.hidden = !text;
    this.note.textContent = text;
  }
}

/** Home and Messages, as links; Messages only once there are any. */
export function showTabs(nav, model, here) {
  const dm = ownDm(model);
  const tabs = [["home", "Home", HOME], ...(dm ? [["messages", "Messages", addressOf(dm.id)]] : [])];
  reconcile(nav, tabs.map(([id, label, href]) => ({
    key: id,
    signature: JSON.stringify([href, id === here]),
    build: () => el("a", { href, "aria-current": id === here ? "page" : null, "data-focus": id }, label),
  })));
}

function viewItem(model, view) {
  return {
    key: view.id,
    signature: JSON.stringify([view, model.names, model.chartWidth]),
    build: () => el("div", { class: "home-blocks body" }, blockNodes(model, { where: "home", view, blocks: view.blocks })),
  };
}

function nothing() {
  return { key: "nothing", signature: "", build: () => el("p", { class: "empty" }, "Nothing here yet. The bot fills this page when you open it.") };
}
