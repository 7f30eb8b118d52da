// Who got a notification, from which message. In a good rehearsal: the requester, once.

import { addressOf } from "/page/address.js";
import { clock } from "/page/dates.js";
import { el } from "/page/dom.js";
import { reconcile } from "/page/reconcile.js";

export function pingedTab() {
  const empty = el("p", { class: "empty" }, "Nobody has been pinged.");
  const lines = el("ol", { class: "pings" });
  const show = (model) => {
    empty.hidden = model.state.pings.length > 0;
    const newest = model.state.pings.map((ping, n) => ({ ping, n })).reverse();
    reconcile(lines, newest.map(({ ping, n }) => ({
      key: String(n),
      signature: JSON.stringify([ping, model.names]),
      build: () => drawn(model, ping),
    })));
  };
  return { node: el("div", {}, empty, lines), show };
}

function drawn(model, ping) {
  const one = ping.kind === "user";
  const who = one ? model.userName(ping.target) : ping.kind === "usergroup" ? ping.target : ping.kind;
  return el("li", {}, el("a", { href: where(model, ping), "data-focus": "ping" },
    el("span", { class: one ? "mention" : "mention mine" }, `@${who}`),
    el("span", {}, one ? "" : "everyone in "),
    el("span", {}, model.channels.has(ping.channel) ? `#${model.channelName(ping.channel)}` : "a conversation of others"),
    el("span", { class: "quiet" }, clock(new Date(ping.at), model.zone))));
}

function where(model, ping) {
  const message = (model.state.messages[ping.channel] ?? []).find(({ ts }) => ts === ping.ts);
  const thread = message?.thread_ts ?? null;
  return addressOf(ping.channel, thread);
}
