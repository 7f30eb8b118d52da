// What a person does here, as requests to the rehearsal.

import { post } from "/page/api.js";
import { withMentions } from "/page/completion.js";

const NO_COMMANDS_IN_THREADS = "Slack takes no slash commands in a thread. Use it in the channel, or mention @Onequeue here.";

/** Sends what was typed in a channel: a command or a message. Raises Error with words for the person. */
export async function sendToChannel(model, channel, text) {
  const who = { as: model.me, channel: channel.id };
  const command = /^(\/\S+)\s*([\s\S]*)$/.exec(text);
  if (command) return post("/_sim/slash", { ...who, command: command[1], text: command[2] });
  return post("/_sim/say", { ...who, text: withMentions(text, model.state.users) });
}

/** Sends a reply. */
export async function sendToThread(model, channel, ts, text) {
  if (/^\/[a-z]/i.test(text)) throw new Error(NO_COMMANDS_IN_THREADS);
  const said = withMentions(text, model.state.users);
  return post("/_sim/say", { as: model.me, channel: channel.id, text: said, thread_ts: ts });
}

export function press(model, channel, message, pressed) {
  return post("/_sim/click", { as: model.me, channel: channel.id, ts: message.ts, ...pressed });
}

export function react(model, channel, message, name) {
  return post("/_sim/react", { as: model.me, channel: channel.id, ts: message.ts, name });
}

/** The id of the person's conversation with the bot, opened on first use. */
export async function openDm(model) {
  return (await post("/_sim/dm", { as: model.me })).channel;
}

export function postDigest() {
  return post("/_try/digest", {});
}
