// What could be typed next. Pure: text and caret in, suggestions out.

import { grammarHints } from "/page/grammar.js";

const COMMAND = { insert: "/task ", label: "/task", hint: "[p1-p10] [model=…] [max=$…] [by=…] [repo=…] what to do" };

/**
 * `place` is {people: [{name, real_name}], bot: name, inThread, dm}. The answer is null or
 * {from, to, items: [{insert, label, hint}], eager}; eager: Enter takes the first one.
 */
export function completion(text, caret, place) {
  const before = text.slice(0, caret);
  const start = before.search(/\S*$/);
  const typed = before.slice(start);
  const found = command(before, place) ?? mention(typed, before, place) ?? grammar(before, typed, place);
  if (!found || found.items.length === 0) return null;
  return { from: start, to: caret, eager: false, ...found };
}

function command(before, place) {
  if (place.inThread || !/^\/\S*$/.test(before)) return null;
  const fits = COMMAND.label.startsWith(before.toLowerCase());
  return { items: fits ? [COMMAND] : [], eager: before.toLowerCase() !== COMMAND.label };
}

function mention(typed, before, place) {
  const name = /^@([\w.-]*)$/.exec(typed)?.[1].toLowerCase();
  if (name === undefined) return null;
  const fits = ({ name: handle, real_name: full }) => handle.toLowerCase().startsWith(name) || full.toLowerCase().startsWith(name);
  const items = place.people.filter(fits).map((person) => {
    const shown = person.name === place.bot ? person.real_name : person.name;
    return { insert: `@${shown} `, label: `@${shown}`, hint: person.name === place.bot ? "hand it a task" : person.real_name };
  });
  const whole = items.length === 1 && items[0].label.slice(1).toLowerCase() === name;
  return { items: whole ? [] : items, eager: true };
}

function grammar(before, typed, place) {
  const words = wordsOfTask(before, place);
  if (words === null) return null;
  return { items: grammarHints(words) };
}

function wordsOfTask(before, place) {
  const named = /^\s*@([\w.-]+)[:,]?\s+([\s\S]*)$/.exec(before);
  if (named && named[1].toLowerCase() === place.bot.toLowerCase()) return named[2].split(/\s+/);
  const slash = /^\/task\s+([\s\S]*)$/i.exec(before);
  if (slash && !place.inThread) return slash[1].split(/\s+/);
  return place.dm && before !== "" && !/^[/@]/.test(before) ? before.trimStart().split(/\s+/) : null;
}

/** `@ana` as Slack sends it, for everyone known here; longer names first. */
export function withMentions(text, users) {
  const handles = users.flatMap((user) => [[user.name, user.id], [user.real_name, user.id]]).filter(([name]) => name);
  handles.sort((a, b) => b[0].length - a[0].length);
  const ids = new Map(handles.map(([name, id]) => [name.toLowerCase(), id]));
  const names = handles.map(([name]) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  if (!names) return text;
  const typed = new RegExp(`(?<![\\w@/.])@(${names})(?![\\w-])`, "gi");
  return text.replace(typed, (_whole, name) => `<@${ids.get(name.toLowerCase())}>`);
}
