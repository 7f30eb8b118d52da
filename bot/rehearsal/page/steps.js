// Tasks that a model reports while it works, alone or in a plan.

import { el, unseen } from "/page/dom.js";
import { link } from "/page/link.js";
import { richText } from "/page/rich_text.js";

const SIGNS = { pending: "○", in_progress: "◐", complete: "●", error: "✕" };
const WORDS = { pending: "to do", in_progress: "under way", complete: "done", error: "failed" };

export function taskCard(model, task) {
  return el("div", { class: `step step-${Object.hasOwn(SIGNS, task.status) ? task.status : "pending"}` },
    el("span", { class: "step-sign", "aria-hidden": "true" }, SIGNS[task.status] ?? SIGNS.pending),
    el("div", {},
      el("span", {}, String(task.title)), unseen(` (${WORDS[task.status] ?? ""})`),
      task.details ? el("div", { class: "quiet" }, richText(model, task.details)) : null,
      task.output ? el("div", { class: "quiet" }, richText(model, task.output)) : null,
      (task.sources ?? []).map((source) => el("div", { class: "quiet" }, link(source.url, [String(source.text)], String(source.text))))),
  );
}

export function planBlock(model, plan) {
  return el("div", { class: "plan" },
    el("p", { class: "plan-title" }, String(plan.title)),
    (plan.tasks ?? []).map((task) => taskCard(model, task)));
}
