// A list of messages: kept where the reader is, followed when they are at its end.

import { el } from "/page/dom.js";
import { dayOf, dayTitle } from "/page/dates.js";
import { messageNode } from "/page/message.js";
import { continues } from "/page/model.js";
import { reconcile } from "/page/reconcile.js";

const END_PX = 48;

export class Conversation {
  /** `onLeave` is called when the reader walks past the last message. */
  constructor(list, onLeave) {
    this.list = list;
    this.onLeave = onLeave;
    this.name = null;
    list.addEventListener("keydown", (event) => this.walk(event));
    list.addEventListener("focusin", (event) => this.remember(event.target.closest(".message")));
    new ResizeObserver(() => this.atEnd && this.toEnd()).observe(list);
    list.addEventListener("scroll", () => (this.atEnd = this.isAtEnd()), { passive: true });
  }

  /** `name` is which conversation this is; `items` come before `entries`. */
  show(model, name, items, entries) {
    const opened = name !== this.name;
    const follow = opened || this.isAtEnd();
    if (opened) this.list.replaceChildren();
    this.name = name;
    const added = reconcile(this.list, [...items, ...this.rows(model, entries)]);
    this.ensureWay();
    if (follow && (opened || added.length)) this.reveal(opened ? null : added[0]);
    else if (follow) this.toEnd();
    this.atEnd = this.isAtEnd();
  }

  rows(model, entries) {
    const rows = [];
    let day = null;
    entries.forEach((entry, n) => {
      const today = dayOf(entry.message.ts, model.zone);
      if (today !== day) rows.push(divider(dayTitle(entry.message.ts, model.zone), today));
      const before = entries[n - 1];
      const headless = today === day && !before?.summary && continues(before?.message, entry.message);
      day = today;
      rows.push(row(model, { ...entry, headless }));
    });
    return rows;
  }

  /** Shows the end, or the start of a message that is taller than the list. */
  reveal(key) {
    const fresh = key ? this.list.querySelector(`[data-key="${CSS.escape(key)}"]`) : this.list.lastElementChild;
    if (fresh && this.list.scrollHeight - fresh.offsetTop > this.list.clientHeight) {
      this.list.scrollTop = fresh.offsetTop - 12;
    } else {
      this.toEnd();
    }
  }

  toEnd() {
    this.list.scrollTop = this.list.scrollHeight;
  }

  isAtEnd() {
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < END_PX;
  }

  messages() {
    return [...this.list.querySelectorAll(".message")];
  }

  /** One message is always reachable with Tab. */
  ensureWay() {
    if (!this.list.querySelector('.message[tabindex="0"]')) this.remember(this.messages().at(-1));
  }

  remember(message) {
    if (!message) return;
    for (const other of this.messages()) other.tabIndex = other === message ? 0 : -1;
  }

  focusLast() {
    this.messages().at(-1)?.focus();
  }

  walk(event) {
    const at = this.messages().indexOf(event.target);
    if (at < 0) return;
    const messages = this.messages();
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: messages.length - 1 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      if (to >= messages.length) this.onLeave();
      else messages[Math.max(0, to)].focus();
    } else if (event.key === "Enter") {
      event.target.querySelector(".replies, .tool")?.click();
    }
  }
}

function divider(title, day) {
  return { key: `day ${day}`, signature: title, build: () => el("h3", { class: "day" }, el("span", {}, title)) };
}

function row(model, entry) {
  return {
    key: `${entry.message.ts} ${entry.message.ephemeral_to ?? ""}`,
    signature: JSON.stringify([entry, model.names, hasChart(entry.message) ? model.chartWidth : 0]),
    build: () => messageNode(model, entry),
  };
}

function hasChart(message) {
  return (message.blocks ?? []).some((block) => block?.type === "data_visualization");
}
