// How the next requests to Claude go wrong, and what it served so far.

import { coalesced, get, post } from "/page/api.js";
import { clockWithSeconds } from "/page/dates.js";
import { el } from "/page/dom.js";
import { reconcile } from "/page/reconcile.js";

const KEPT = 100;

export function claudeTab({ realClaude }) {
  if (realClaude) {
    const words = "The real Claude answers here, so failures cannot be chosen. Start without ANTHROPIC_API_KEY to choose them.";
    return { node: el("p", { class: "empty" }, words), show: () => {} };
  }
  const tab = new ClaudeTab();
  return { node: tab.node, show: (model) => tab.show(model) };
}

class ClaudeTab {
  constructor() {
    this.kind = el("select", { id: "fail-kind" });
    this.times = el("input", { id: "fail-times", type: "number", min: 1, max: 100, value: 1, inputmode: "numeric" });
    this.note = el("p", { class: "composer-note", role: "alert", hidden: true });
    this.armed = el("ul", { class: "armed", "aria-label": "Failures to come" });
    this.served = el("ol", { class: "served" });
    this.none = el("p", { class: "empty" }, "Claude has not been asked anything yet.");
    this.refresh = coalesced(() => this.load());
    this.node = el("div", {},
      el("h3", {}, "Make the next request fail"),
      el("div", { class: "fail-row" },
        el("label", { for: "fail-kind" }, "How"), this.kind,
        el("label", { for: "fail-times" }, "Times"), this.times,
        el("button", { type: "button", class: "button primary", onclick: () => this.fail() }, "Set")),
      this.note,
      this.armed,
      el("h3", {}, "Served"),
      this.none,
      this.served,
    );
  }

  show(model) {
    this.model = model;
    this.refresh();
  }

  async load() {
    try {
      this.draw(await get("/_claude/state"));
    } catch (error) {
      this.say(error.message);
    }
  }

  async fail() {
    this.say("");
    try {
      await post("/_claude/fail", { kind: this.kind.value, times: Number(this.times.value) });
      await this.refresh();
    } catch (error) {
      this.say(error.message);
    }
  }

  say(text) {
    this.note.hidden = !text;
    this.note.textContent = text;
  }

  draw({ failures, kinds, served }) {
    const known = JSON.stringify(kinds);
    if (this.known !== known) {
      this.known = known;
      this.kind.replaceChildren(...kinds.map((kind) => el("option", { value: kind }, words(kind))));
    }
    this.armed.replaceChildren(...failures.map(({ kind, times }) =>
      el("li", {}, `Next: ${words(kind)}${times > 1 ? `, ${times} times` : ""}`)));
    this.none.hidden = served.length > 0;
    reconcile(this.served, served.slice(-KEPT).reverse().map((line) => ({
      key: String(line.n),
      signature: JSON.stringify(line),
      build: () => this.line(line),
    })));
  }

  line({ at, model, status, failure, finished, input_tokens: read, output_tokens: wrote }) {
    const bad = failure || !finished || status !== 200;
    const ended = failure ? words(failure) : status !== 200 ? `status ${status}` : finished ? "answered" : "cut";
    return el("li", {},
      el("span", { class: "wire-name" }, model || "unknown model"),
      el("span", { class: bad ? "wire-state bad" : "wire-state" }, ended),
      el("span", { class: "quiet" }, `${read} in, ${wrote} out`),
      el("time", { class: "quiet" }, clockWithSeconds(new Date(at), this.model.zone)));
  }
}

function words(kind) {
  return String(kind).replaceAll("_", " ");
}
