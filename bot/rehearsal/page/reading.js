// What the reader has seen, and what a screen reader should hear.

import { repliesTo, rootsIn } from "/page/model.js";

const LONGEST = 160;

export class Reading {
  constructor(announcements) {
    this.announcements = announcements;
    this.seen = new Map();
    this.known = null;
    this.since = Date.now() / 1000;
  }

  /** Marks channel and thread as read, and says what others wrote there meanwhile. */
  look(model, channel, thread) {
    const roots = rootsIn(model, channel);
    const replies = thread ? repliesTo(model, channel, thread) : [];
    this.mark(`${model.me} ${channel}`, roots);
    if (thread) this.mark(`${model.me} ${thread}`, replies);
    const view = `${model.me} ${channel} ${thread ?? ""}`;
    const shown = [...roots, ...replies].filter((message) => message.user !== model.me && !message.deleted);
    const fresh = this.view === view ? shown.filter((message) => !this.known.has(message.ts)) : [];
    this.view = view;
    this.known = new Set(shown.map((message) => message.ts));
    if (fresh.length) this.announce(model, fresh);
  }

  mark(key, messages) {
    const last = messages.at(-1);
    if (last) this.seen.set(key, Math.max(Number(last.ts), this.seen.get(key) ?? 0));
  }

  unread(model, channel) {
    return this.fresher(model, `${model.me} ${channel}`, rootsIn(model, channel));
  }

  unreadThread(model, channel, root) {
    return this.fresher(model, `${model.me} ${root.ts}`, repliesTo(model, channel, root.ts));
  }

  fresher(model, key, messages) {
    const seen = this.seen.get(key) ?? this.since;
    return messages.some((message) => message.user !== model.me && Number(message.ts) > seen);
  }

  announce(model, messages) {
    const words = messages.map((message) => `${model.fullName(message.user)}: ${message.text.slice(0, LONGEST)}`);
    this.announcements.textContent = words.join(". ");
  }
}
