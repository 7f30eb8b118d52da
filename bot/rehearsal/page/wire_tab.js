// Every API call of the bot and every envelope to it, newest first.

import { clockWithSeconds } from "/page/dates.js";
import { el } from "/page/dom.js";
import { reconcile } from "/page/reconcile.js";

const KEPT = 150;

export function wireTab() {
  const sockets = el("p", { class: "quiet" });
  const lines = el("ol", { class: "wire" });
  const show = (model) => {
    const { calls, envelopes, sockets: open } = model.state;
    sockets.textContent = `${open === 1 ? "1 connection" : `${open} connections`} open · newest first`;
    const all = [...calls.map(callLine), ...envelopes.map(envelopeLine)];
    all.sort((a, b) => (a.at === b.at ? b.n - a.n : a.at < b.at ? 1 : -1));
    reconcile(lines, all.slice(0, KEPT).map((line) => ({
      key: line.key,
      signature: JSON.stringify([line, model.zone]),
      build: () => drawn(model, line),
    })));
  };
  return { node: el("div", {}, sockets, lines), show };
}

function callLine({ n, at, method, args, ok, error }) {
  return { key: `call ${n}`, n, at, way: "out", name: method, state: ok ? "ok" : error ?? "failed", bad: !ok, body: args };
}

function envelopeLine({ n, at, type, state, ms, payload }) {
  const inner = payload?.event?.type ?? payload?.command ?? payload?.actions?.[0]?.action_id ?? "";
  const name = [type, inner].filter(Boolean).join(" · ");
  const took = state === "acked" && ms !== null ? `acked in ${ms} ms` : state;
  return { key: `envelope ${n}`, n, at, way: "in", name, state: took, bad: state === "timeout" || state === "dropped", body: payload };
}

function drawn(model, line) {
  const way = line.way === "out" ? ["→", "to Slack"] : ["←", "from Slack"];
  return el("li", {}, el("details", {},
    el("summary", { "data-focus": "line" },
      el("span", { class: "way", title: way[1], role: "img", "aria-label": way[1] }, way[0]),
      el("span", { class: "wire-name" }, line.name),
      el("span", { class: line.bad ? "wire-state bad" : "wire-state" }, line.state),
      el("time", { class: "quiet" }, clockWithSeconds(new Date(line.at), model.zone))),
    el("pre", {}, JSON.stringify(line.body, null, 2))));
}
