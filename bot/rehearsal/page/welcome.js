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

const MORE = [
  ["In line, running", "Send three of different words and the third waits: hold, bump or cancel it from its card. Stop what runs; the card says what it has cost of its cap."],
  ["Answered", "Open its thread: the price is below the answer, and two thumbs. A reply there follows up."],
  ["Other ways in", "Run as task, in the ⋯ beside a message; the + beside your words; a file with them; a direct message."],
  ["All of it", "Home on the left is the board. “Post the digest” tells what today cost."],
  ["Somebody else", "Act as sam: #payments has a task of his that waits to be released."],
];

/** `fresh`: nobody has said anything here yet. */
export function welcome(model, channel, examples, { fresh, fill }) {
  return {
    key: fresh ? "welcome" : "try",
    signature: JSON.stringify([channel.id, fresh, examples, model.names]),
    build: () => el("section", { class: fresh ? "welcome fresh" : "welcome", "aria-label": "Start here" },
      fresh ? [
        el("h2", {}, title(channel)),
        el("p", {}, "Type ", el("kbd", {}, "/task"), " and what should be done. You hear its place in line and what such tasks usually cost, then a card appears; the answer comes in its thread and says what it cost."),
        exampleCard(model),
      ] : null,
      el("h3", {}, fresh ? "Things to try" : "Try"),
      el("ul", { class: "examples" }, examples.map(({ label, text }) => el("li", {}, el("button", {
        type: "button",
        class: "example",
        "data-focus": `example ${label}`,
        onclick: () => fill(text),
      }, el("span", {}, label), el("code", {}, text))))),
      more(fresh),
    ),
  };
}

/** What else there is: open at first, and at hand later. */
function more(fresh) {
  return el("details", { class: "more-to-try", open: fresh },
    el("summary", { "data-focus": "more to try" }, "Then"),
    el("dl", {}, MORE.map(([where, what]) => [el("dt", {}, where), el("dd", {}, what)])),
  );
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
