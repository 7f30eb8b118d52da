// The middle: a channel's head, its messages and its composer.

import { LIST } from "/page/address.js";
import { Composer } from "/page/composer.js";
import { Conversation } from "/page/conversation.js";
import { el, icon, unseen } from "/page/dom.js";
import { showTabs } from "/page/home_view.js";
import { rootsIn, sessionOf, shortcutsOf, statusOf, threadSummary } from "/page/model.js";
import { welcome } from "/page/welcome.js";

export class ChannelView {
  constructor(root, { send, postDigest, togglePanel, isUnread }) {
    this.isUnread = isUnread;
    this.title = el("h1", { id: "channel-title" });
    this.topic = el("p", { class: "topic" });
    this.digest = el("button", { type: "button", class: "button", onclick: postDigest }, "Post the digest");
    this.toggle = el("button", { type: "button", class: "button", "aria-expanded": "false", "aria-controls": "panel", onclick: togglePanel }, "Behind the scenes");
    const list = el("div", { class: "messages", role: "feed", "aria-label": "Messages" });
    this.tabs = el("nav", { class: "app-tabs", "aria-label": "Onequeue", hidden: true });
    this.composer = new Composer("composer", { label: "Message", send, onUp: () => this.conversation.focusLast() });
    this.conversation = new Conversation(list, () => this.composer.focus());
    root.append(
      el("header", { class: "bar" },
        el("a", { class: "back", href: LIST }, icon("back"), unseen("Back to channels")),
        el("div", { class: "bar-words" }, this.title, this.topic),
        this.tabs,
        el("div", { class: "bar-tools" }, this.digest, this.toggle)),
      list,
      this.composer.node,
    );
  }

  show(model, channel, examples) {
    const dm = channel.kind === "dm";
    this.title.textContent = dm ? "Onequeue" : `#${channel.name}`;
    this.topic.textContent = this.about(model, channel);
    this.tabs.hidden = !dm;
    if (dm) showTabs(this.tabs, model, "messages");
    this.composer.offer(shortcutsOf(model, "global"), (id) => model.act.shortcut(id));
    const closed = channel.archived || !channel.members.includes(model.me);
    this.composer.at(`${model.me} ${channel.id}`, {
      placeholder: dm ? "Message Onequeue" : `Message #${channel.name}`,
      hint: "Enter sends · Shift+Enter makes a new line · / starts a command",
      place: placeOf(model, { inThread: false, dm }),
      closed,
    });
    this.showMessages(model, channel, examples);
  }

  about(model, channel) {
    if (channel.archived) return "This channel is archived.";
    if (channel.kind === "dm") return "Whatever you write here is a task.";
    const count = channel.members.filter((id) => !model.isBot(id)).length;
    const people = count === 1 ? "1 person" : `${count} people`;
    const bot = channel.members.includes(model.bot) ? null : "Onequeue is not in this channel";
    return [channel.topic, people, bot].filter(Boolean).join(" · ");
  }

  showMessages(model, channel, examples) {
    const entries = rootsIn(model, channel.id).map((message) => ({
      message,
      summary: threadSummary(model, channel.id, message),
      status: statusOf(model, channel.id, message.ts),
      session: sessionOf(model, channel.id, message.ts),
      shortcuts: shortcutsOf(model, "message"),
      unread: this.isUnread(message),
      inThread: false,
    }));
    const fill = (text) => this.composer.fill(text);
    const first = welcome(model, channel, examples, { fresh: entries.length === 0, fill });
    this.conversation.show(model, `${model.me} ${channel.id}`, [first], entries);
  }
}

/** What a composer needs to know to complete. */
export function placeOf(model, { inThread, dm }) {
  const people = model.state.users.filter((user) => user.id === model.bot || !user.is_bot);
  people.sort((a, b) => Number(b.id === model.bot) - Number(a.id === model.bot));
  return { people, bot: model.users.get(model.bot)?.name ?? "", inThread, dm };
}
