// What /task understands, as hints: the words themselves, what they mean, and what may follow.

const PRIORITIES = Array.from({ length: 10 }, (_, n) => {
  const priority = n + 1;
  const tier = priority <= 4 ? "Opus" : priority <= 7 ? "Sonnet" : "Haiku";
  const rank = { 1: ", most urgent", 5: ", the usual one", 10: ", whenever there is time" }[priority] ?? "";
  return { insert: `p${priority} `, label: `p${priority}`, hint: tier + rank };
});

const OPTIONS = [
  { insert: "model=", label: "model=", hint: "opus, sonnet, haiku or a full model id" },
  { insert: "max=$", label: "max=", hint: "the most it may cost, like max=$2" },
  { insert: "by=", label: "by=", hint: "given up if it has not run by then, like by=18:00" },
  { insert: "repo=", label: "repo=", hint: "the project it works on, like repo=payments" },
];

const VERBS = [
  { insert: "list", label: "list", hint: "what waits and what runs" },
  { insert: "show ", label: "show 42", hint: "one task, its attempts and cost" },
  { insert: "cancel ", label: "cancel 42", hint: "stop a task" },
  { insert: "retry ", label: "retry 42", hint: "run a task again" },
  { insert: "bump ", label: "bump 42", hint: "one priority more urgent" },
  { insert: "lower ", label: "lower 42", hint: "one priority less urgent" },
  { insert: "hold ", label: "hold 42", hint: "let it wait" },
  { insert: "release ", label: "release 42", hint: "let it go on" },
  { insert: "run ", label: "run status", hint: "a script of your team, at no cost" },
  { insert: "cost ", label: "cost", hint: "what today, the week or the month cost" },
  { insert: "pause", label: "pause", hint: "for operators: let nothing new start" },
  { insert: "resume", label: "resume", hint: "for operators: go on, and try again at once where all wait" },
  { insert: "help", label: "help", hint: "every form, with examples" },
];

const ALL_PRIORITIES = { insert: "p", label: "p1 … p10", hint: "priority: p1–4 Opus, p5–7 Sonnet, p8–10 Haiku" };
const MODELS = ["opus", "sonnet", "haiku"].map((name) => ({ insert: `model=${name} `, label: name, hint: "tier" }));
const CAPS = ["1", "2", "5"].map((sum) => ({ insert: `max=$${sum} `, label: `$${sum}`, hint: "cap" }));
const TIMES = ["12:00", "18:00", "23:59"].map((time) => ({ insert: `by=${time} `, label: time, hint: "given up then" }));
const SPANS = ["today", "week", "month"].map((span) => ({ insert: span, label: span, hint: "what it cost" }));

const IS_PRIORITY = /^p\d+:?$/i;
const IS_OPTION = /^(model|max|by|repo)=./i;

function beginningWith(items, typed) {
  const found = items.filter(({ insert }) => insert.trim().toLowerCase().startsWith(typed.toLowerCase()));
  return found.length === 1 && found[0].insert.trim().toLowerCase() === typed.toLowerCase() ? [] : found;
}

/** Hints for `words`, all that stands before the caret after the command; the last one is being typed. */
export function grammarHints(words) {
  const done = words.slice(0, -1);
  const typed = words.at(-1);
  if (done.length === 1 && done[0].toLowerCase() === "cost") return beginningWith(SPANS, typed);
  if (!done.every((word) => IS_PRIORITY.test(word) || IS_OPTION.test(word))) return [];
  if (/^model=/i.test(typed)) return beginningWith(MODELS, typed);
  if (/^max=/i.test(typed)) return beginningWith(CAPS, typed);
  if (/^by=/i.test(typed)) return beginningWith(TIMES, typed);
  const urgent = done.some((word) => IS_PRIORITY.test(word));
  const options = OPTIONS.filter(({ label }) => !done.some((word) => word.toLowerCase().startsWith(label)));
  if (typed === "") return [...(urgent ? [] : [ALL_PRIORITIES]), ...options, ...(done.length ? [] : VERBS)];
  return beginningWith([...(urgent ? [] : PRIORITIES), ...options, ...(done.length ? [] : VERBS)], typed);
}
