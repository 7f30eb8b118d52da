// The workspace's state as the page asks about it.

const SAME_VOICE_SECONDS = 300;

export function modelOf(state, about) {
  const users = new Map(state.users.map((user) => [user.id, user]));
  const channels = new Map(state.channels.map((channel) => [channel.id, channel]));
  const me = users.get(state.me);
  const model = {
    state,
    me: state.me,
    bot: state.bot,
    users,
    channels,
    zone: me?.tz || about.zone || "UTC",
    userName: (id) => calledName(users.get(id)) ?? id,
    fullName: (id) => users.get(id)?.real_name || users.get(id)?.name || id,
    isBot: (id) => users.get(id)?.is_bot ?? false,
    channelName: (id) => titleOf(channels.get(id), id),
    people: state.users.filter((user) => !user.is_bot),
  };
  model.names = JSON.stringify([state.me, model.zone, state.users, [...channels.values()].map((c) => [c.id, c.name])]);
  return model;
}

/** People go by their handle, bots by their full name. */
function calledName(user) {
  return user?.is_bot ? user.real_name || user.name : user?.name;
}

function titleOf(channel, id) {
  if (!channel) return id;
  return channel.kind === "dm" ? "Onequeue" : channel.name;
}

/** Channels the acting person has in their list. */
export function listed(model) {
  return model.state.channels.filter((channel) => channel.kind !== "dm" && channel.members.includes(model.me));
}

export function ownDm(model) {
  return model.state.channels.find((channel) => channel.kind === "dm" && channel.user === model.me);
}

/** Where the page starts: the first channel that the bot is in, too. */
export function firstChannel(model) {
  const mine = listed(model);
  return (mine.find((channel) => channel.members.includes(model.bot)) ?? mine[0])?.id ?? null;
}

function isReply(message) {
  return Boolean(message.thread_ts) && message.thread_ts !== message.ts;
}

function messagesIn(model, channel) {
  const all = model.state.messages[channel] ?? [];
  return all.filter((message) => !message.ephemeral_to || message.ephemeral_to === model.me);
}

/** The channel's own messages, oldest first; a deleted root that has replies keeps its place. */
export function rootsIn(model, channel) {
  const all = messagesIn(model, channel);
  const roots = all.filter((message) => !isReply(message));
  const known = new Set(roots.map((message) => message.ts));
  const lost = new Set(all.filter((m) => isReply(m) && !m.ephemeral_to && !known.has(m.thread_ts)).map((m) => m.thread_ts));
  return [...roots, ...[...lost].map(deletedRoot)].sort((a, b) => Number(a.ts) - Number(b.ts));
}

function deletedRoot(ts) {
  return { ts, thread_ts: ts, user: "", text: "", blocks: [], files: [], reactions: [], deleted: true };
}

export function rootOf(model, channel, ts) {
  return rootsIn(model, channel).find((message) => message.ts === ts) ?? null;
}

export function repliesTo(model, channel, ts) {
  return messagesIn(model, channel).filter((message) => isReply(message) && message.thread_ts === ts);
}

/** How many replies a root has, when the last one came, and who wrote them; null for none. */
export function threadSummary(model, channel, root) {
  const replies = repliesTo(model, channel, root.ts).filter((reply) => !reply.ephemeral_to);
  if (replies.length === 0) return null;
  return { count: replies.length, last: replies.at(-1).ts, people: [...new Set(replies.map((reply) => reply.user))] };
}

export function statusOf(model, channel, ts) {
  return model.state.status[`${channel}:${ts}`] ?? "";
}

export function sessionOf(model, channel, ts) {
  return model.state.sessions?.[`${channel}:${ts}`] ?? null;
}

/** The shortcuts of one kind that the app declares: message or global. */
export function shortcutsOf(model, kind) {
  return (model.state.shortcuts ?? []).filter((shortcut) => shortcut.kind === kind);
}

/** Whether a message goes on where the one before it stopped, without a head of its own. */
export function continues(before, message) {
  if (!before || before.user !== message.user || before.deleted || message.deleted) return false;
  if (Boolean(before.ephemeral_to) !== Boolean(message.ephemeral_to)) return false;
  return Number(message.ts) - Number(before.ts) < SAME_VOICE_SECONDS;
}

/** The bot's newest message that begins a conversation everyone sees: {channel, ts}. */
export function newestOfBot(model) {
  const all = [...model.channels.keys()].flatMap((channel) => rootsIn(model, channel).map((message) => ({ channel, message })));
  const own = all.filter(({ message }) => message.user === model.bot && !message.ephemeral_to);
  return own.reduce((best, { channel, message }) => (Number(message.ts) > best.ts ? { channel, ts: Number(message.ts) } : best), { channel: null, ts: 0 });
}
