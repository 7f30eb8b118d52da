// What stands between < and > in Slack's text: people, channels, broadcasts, dates, links.

import { el } from "/page/dom.js";
import { slackDate } from "/page/dates.js";
import { link } from "/page/link.js";

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };
const BROADCASTS = new Set(["channel", "here", "everyone", "group"]);

/** Slack's three entities, undone once. */
export function unescaped(text) {
  return text.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity]);
}

export function mention(model, user) {
  return el("span", { class: user === model.me ? "mention mine" : "mention" }, `@${model.userName(user)}`);
}

export function broadcast(name) {
  return el("span", { class: "mention mine" }, `@${name}`);
}

export function channelLink(model, channel, label) {
  const name = model.channels.has(channel) ? model.channelName(channel) : label || channel;
  if (!model.channels.has(channel)) return el("span", { class: "mention" }, `#${name}`);
  return el("a", { class: "mention", href: `#${channel}` }, `#${name}`);
}

export function dateTime(model, epoch, template, fallback, address) {
  const label = slackDate(epoch, template, fallback, model.zone);
  const time = el("time", { title: fallback || null }, label);
  return address ? link(address, [time], label) : [time];
}

/** The nodes for `<inside>`. What is no token is shown as it was written. */
export function token(model, inside) {
  const [target, ...rest] = inside.split("|");
  const label = unescaped(rest.join("|"));
  const id = target.slice(1);
  if (/^@[UWB]\w+$/.test(target)) return [mention(model, id)];
  if (/^#[CGD]\w+$/.test(target)) return [channelLink(model, id, label)];
  if (target.startsWith("!")) return special(model, id, label) ?? [`<${inside}>`];
  if (!/^(https?:\/\/|mailto:)/i.test(target)) return [`<${inside}>`];
  const address = unescaped(target);
  const words = label || address.replace(/^mailto:/i, "");
  return link(address, [words], words);
}

function special(model, target, label) {
  const [kind, ...rest] = target.split("^");
  if (BROADCASTS.has(kind)) return [broadcast(kind)];
  if (kind === "subteam") return [el("span", { class: "mention" }, label || `@${rest[0] ?? "group"}`)];
  if (kind === "date") return dateTime(model, rest[0] ?? "", unescaped(rest[1] ?? ""), label, unescaped(rest[2] ?? ""));
  return null;
}
