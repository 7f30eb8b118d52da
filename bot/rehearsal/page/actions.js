// What a person does here, as requests to the rehearsal.

import { post } from "/page/api.js";
import { packed } from "/page/picked.js";
import { withMentions } from "/page/completion.js";

const NO_FILES_IN_COMMANDS = "A slash command carries no files. Mention @Onequeue or write it directly instead.";
const NO_COMMANDS_IN_THREADS = "Slack takes no slash commands in a thread. Use it in the channel, or mention @Onequeue here.";

/** Sends what was typed in a channel: a command or a message. Raises Error with words for the person. */
export async function sendToChannel(model, channel, text, files = []) {
  const who = { as: model.me, channel: channel.id };
  const command = /^(\/\S+)\s*([\s\S]*)$/.exec(text);
  if (command && files.length) throw new Error(NO_FILES_IN_COMMANDS);
  if (command) return post("/_sim/slash", { ...who, command: command[1], text: command[2] });
  return post("/_sim/say", { ...who, text: withMentions(text, model.state.users), ...(await carried(files)) });
}

/** Sends a reply. */
export async function sendToThread(model, channel, ts, text, files = []) {
  if (/^\/[a-z]/i.test(text)) throw new Error(NO_COMMANDS_IN_THREADS);
  const said = withMentions(text, model.state.users);
  return post("/_sim/say", { as: model.me, channel: channel.id, text: said, thread_ts: ts, ...(await carried(files)) });
}

async function carried(files) {
  return files.length ? { files: await packed(files) } : {};
}

/** Uses a control of a message, or of a view: `message.where` is then home or modal. */
export function press(model, channel, message, pressed) {
  if (message.where) return post("/_sim/press", { as: model.me, where: message.where, ...pressed });
  return post("/_sim/click", { as: model.me, channel: channel.id, ts: message.ts, ...pressed });
}

export function react(model, channel, message, name) {
  return post("/_sim/react", { as: model.me, channel: channel.id, ts: message.ts, name });
}

/** Sends the open form: {errors, text}. */
export function submitForm(model, values) {
  return post("/_sim/submit", { as: model.me, values });
}

export function closeForm(model, all) {
  return post("/_sim/close", { as: model.me, all });
}

/** Uses a global shortcut, or one of a message. */
export function useShortcut(model, channel, callback, message) {
  const where = message ? { channel: channel.id, ts: message.ts } : {};
  return post("/_sim/shortcut", { as: model.me, callback_id: callback, ...where });
}

export function stopSession(model, channel, ts) {
  return post("/_sim/stop", { as: model.me, channel: channel.id, thread_ts: ts });
}

/** Says that the person looks at the app: at its tab home or messages. */
export function openApp(model, tab) {
  return post("/_sim/home", { as: model.me, tab });
}

/** The id of the person's conversation with the bot, opened on first use. */
export async function openDm(model) {
  return (await post("/_sim/dm", { as: model.me })).channel;
}

export function postDigest() {
  return post("/_try/digest", {});
}
