// What an agent says of its work in a thread, and the button that stops it.

import { el } from "/page/dom.js";

const WORDS = { processing: "working", suspended: "waiting" };

/** A line, or null where nothing is under way. `ts` is the root's. */
export function sessionLine(model, session, ts) {
  if (!session || !Object.hasOwn(WORDS, session.status)) return null;
  return el("p", { class: "session" },
    el("span", { class: "status" }, [session.title, WORDS[session.status]].filter(Boolean).join(" · ")),
    session.stoppable ? el("button", { type: "button", class: "button", "data-focus": "stop", onclick: () => model.act.stop(ts) }, "Stop") : null);
}
