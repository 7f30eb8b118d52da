// One message: who, when, what, and what hangs on it.

import { el, icon, unseen } from "/page/dom.js";
import { attachment } from "/page/attachments.js";
import { blockNodes } from "/page/blocks.js";
import { messageTime } from "/page/dates.js";
import { menu } from "/page/menu.js";
import { sessionLine } from "/page/session.js";
import { emoji } from "/page/emoji.js";
import { mrkdwn } from "/page/mrkdwn.js";

/** `entry`: {message, headless, summary, status, session, inThread, shortcuts}. */
export function messageNode(model, entry) {
  const { message, headless } = entry;
  const id = `message-${entry.inThread ? "t" : "c"}-${message.ts}`;
  const node = el("article", { class: classesOf(entry), tabindex: "-1", "aria-labelledby": id, "data-ts": message.ts },
    headless ? el("div", { class: "gutter" }, time(model, message)) : avatar(model, message.user),
    el("div", { class: "body" },
      headless ? unseenHead(model, message, id) : head(model, message, id),
      message.ephemeral_to ? el("p", { class: "only-you" }, "Only visible to you") : null,
      message.deleted ? el("p", { class: "deleted" }, "This message was deleted.") : content(model, message),
      message.streaming ? el("p", { class: "status" }, "writing") : null,
      (message.files ?? []).map(attachment),
      reactions(model, message),
      entry.summary ? threadLink(model, message, entry) : null,
      !entry.inThread && entry.status ? el("p", { class: "status" }, entry.status) : null,
      !entry.inThread ? sessionLine(model, entry.session, message.ts) : null,
    ),
    tools(model, entry),
  );
  return node;
}

function classesOf({ message, headless }) {
  return ["message", headless ? "headless" : "", message.ephemeral_to ? "ephemeral" : ""].filter(Boolean).join(" ");
}

export function avatar(model, user) {
  if (user === model.bot) return el("img", { class: "avatar", src: "/page/mark.svg", alt: "", width: 36, height: 36 });
  const initials = model.fullName(user).split(/\s+/).map((word) => word[0]).slice(0, 2).join("").toUpperCase();
  return el("span", { class: "avatar", "aria-hidden": "true" }, user ? initials : "–");
}

function head(model, message, id) {
  return el("header", { class: "head", id },
    el("span", { class: "name" }, message.user ? model.fullName(message.user) : "Deleted"),
    model.isBot(message.user) ? el("span", { class: "badge" }, "app") : null,
    time(model, message),
    edited(message),
  );
}

function unseenHead(model, message, id) {
  return el("header", { class: "unseen", id }, `${model.fullName(message.user)} ${messageTime(message.ts, model.zone).label}`);
}

function time(model, message) {
  const { iso, label, title } = messageTime(message.ts, model.zone);
  return el("time", { datetime: iso, title }, label);
}

function edited(message) {
  return message.edited ? el("span", { class: "quiet" }, "edited") : null;
}

function content(model, message) {
  if (message.blocks?.length) return blockNodes(model, message);
  return el("div", { class: "block" }, mrkdwn(model, message.text));
}

function reactions(model, message) {
  if (!message.reactions?.length) return null;
  return el("div", { class: "reactions" }, message.reactions.map(({ name, users }) => el("button", {
    type: "button",
    class: "reaction",
    title: users.map(model.userName).join(", "),
    "aria-pressed": users.includes(model.me) ? "true" : "false",
    "data-focus": `reaction ${name}`,
    onclick: () => (users.includes(model.me) ? null : model.act.react(message, name)),
  }, `${emoji(name)} ${users.length}`)));
}

function threadLink(model, message, { summary, unread }) {
  const count = summary.count === 1 ? "1 reply" : `${summary.count} replies`;
  return el("a", {
    class: unread ? "replies unread" : "replies",
    href: model.act.threadAddress(message),
    "data-focus": "replies",
  },
    summary.people.slice(0, 3).map((user) => avatar(model, user)),
    el("span", { class: "replies-count" }, count),
    el("span", { class: "quiet" }, `last at ${messageTime(summary.last, model.zone).label}`),
  );
}

function tools(model, { message, inThread, summary, shortcuts = [] }) {
  const reply = !inThread && !summary;
  if (message.ephemeral_to || message.deleted || (!reply && shortcuts.length === 0)) return null;
  return el("div", { class: "tools" },
    reply ? el("a", {
      class: "tool",
      href: model.act.threadAddress(message),
      title: "Reply in thread",
      "data-focus": "reply",
    }, icon("reply"), unseen("Reply in thread")) : null,
    shortcuts.length ? menu("More about this message", "more", shortcuts.map(({ name, callback_id: id }) => (
      { label: name, pick: () => model.act.shortcut(id, message) }))) : null,
  );
}
