// The head of a channel: what happens here, one example card, things to try.

import { el } from "/page/dom.js";
import { blockNodes } from "/page/blocks.js";
import { avatar } from "/page/message.js";

const CARD = [
  {
    type: "section",
    text: { type: "mrkdwn", text: ":black_circle: *#42 · p3 · Opus · done* · for ana\ninvestigate stall in payments" },
  },
  { type: "context", elements: [{ type: "mrkdwn", text: "7 min 12 s · $0.93 · answer in the thread" }] },
];

/** `fresh`: nobody has said anything here yet. */
export function welcome(model, channel, examples, { fresh, fill }) {
  return {
    key: "welcome",
    signature: JSON.stringify([channel.id, fresh, examples, model.names]),
    build: () => el("section", { class: fresh ? "welcome fresh" : "welcome", "aria-label": "Start here" },
      fresh ? [
        el("h2", {}, title(channel)),
        el("p", {}, "Type ", el("kbd", {}, "/task"), " and what should be done. A card appears, the answer comes in its thread, and every answer says what it cost."),
        exampleCard(model),
      ] : null,
      el("h3", {}, fresh ? "Things to try" : "Try"),
      el("ul", { class: "examples" }, examples.map(({ label, text }) => el("li", {}, el("button", {
        type: "button",
        class: "example",
        "data-focus": `example ${label}`,
        onclick: () => fill(text),
      }, el("span", {}, label), el("code", {}, text))))),
    ),
  };
}

function title(channel) {
  return channel.kind === "dm" ? "Talk to Onequeue" : `This is #${channel.name}`;
}

function exampleCard(model) {
  return el("figure", { class: "example-card" },
    el("figcaption", {}, "Example"),
    el("div", { class: "message" },
      avatar(model, model.bot),
      el("div", { class: "body" },
        el("p", { class: "head" }, el("span", { class: "name" }, "Onequeue"), el("span", { class: "badge" }, "app")),
        blockNodes(model, { blocks: CARD }),
      ),
    ),
  );
}
