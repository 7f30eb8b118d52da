// Where the page is, kept in the address so that Back works: #CHANNEL or #CHANNEL/THREAD, #home or #list.

export const LIST = "#list";
export const HOME = "#home";

export function addressOf(channel, thread = null) {
  return thread ? `#${channel}/${thread}` : `#${channel}`;
}

/** {channel, thread, list, home}; what is not there is null. */
export function whereIs(hash) {
  const found = /^#([CDG]\w+)(?:\/(\d+\.\d+))?$/.exec(hash);
  return { channel: found?.[1] ?? null, thread: found?.[2] ?? null, list: hash === LIST, home: hash === HOME };
}
