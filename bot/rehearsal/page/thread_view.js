// The right: one thread, and a composer that answers in it.

import { addressOf } from "/page/address.js";
import { placeOf } from "/page/channel_view.js";
import { Composer } from "/page/composer.js";
import { Conversation } from "/page/conversation.js";
import { el, icon, unseen } from "/page/dom.js";
import { reconcile } from "/page/reconcile.js";
import { sessionLine } from "/page/session.js";
import { repliesTo, rootOf, sessionOf, shortcutsOf, statusOf } from "/page/model.js";

export class ThreadView {
  constructor(root, { send }) {
    this.place = el("p", { class: "topic" });
    this.close = el("a", { class: "tool close", href: "#" }, icon("close"), unseen("Close thread"));
    this.back = el("a", { class: "back", href: "#" }, icon("back"), unseen("Back to channel"));
    const list = el("div", { class: "messages", role: "feed", "aria-label": "Replies" });
    this.status = el("p", { class: "status thread-status", role: "status" });
    this.session = el("div", { class: "thread-status" });
    this.composer = new Composer("reply", { label: "Reply in thread", send, onUp: () => this.conversation.focusLast() });
    this.conversation = new Conversation(list, () => this.composer.focus());
    root.append(
      el("header", { class: "bar" }, this.back,
        el("div", { class: "bar-words" }, el("h2", {}, "Thread"), this.place), this.close),
      list,
      this.status,
      this.session,
      this.composer.node,
    );
  }

  /** `ts` is the root's, or null where no thread is open. */
  show(model, channel, ts) {
    if (!ts) {
      this.conversation.name = null;
      return;
    }
    const opens = this.conversation.name === null;
    const root = rootOf(model, channel.id, ts);
    const dm = channel.kind === "dm";
    this.place.textContent = dm ? "Onequeue" : `#${channel.name}`;
    this.close.href = this.back.href = addressOf(channel.id);
    this.status.textContent = statusOf(model, channel.id, ts);
    this.showSession(model, sessionOf(model, channel.id, ts), ts);
    this.composer.at(`${model.me} ${channel.id} ${ts}`, {
      placeholder: "Reply in thread",
      hint: "Enter sends · Esc closes the thread",
      place: placeOf(model, { inThread: true, dm }),
      closed: channel.archived || !channel.members.includes(model.me),
    });
    const shortcuts = shortcutsOf(model, "message");
    const replies = [root, ...repliesTo(model, channel.id, ts)];
    const entries = replies.map((message) => ({ message, summary: null, status: "", inThread: true, shortcuts }));
    this.conversation.show(model, `${model.me} ${channel.id} ${ts}`, [], entries);
    if (opens && window.matchMedia("(hover: hover)").matches) this.composer.focus();
  }

  showSession(model, session, ts) {
    const line = sessionLine(model, session, ts);
    const signature = JSON.stringify([session, ts, model.me]);
    reconcile(this.session, line ? [{ key: "session", signature, build: () => line }] : []);
  }
}
