// Slack's own text format: *bold* _italics_ ~strike~ `code`, fences, quotes and tokens.

import { el, fragment } from "/page/dom.js";
import { withEmoji } from "/page/emoji.js";
import { token, unescaped } from "/page/tokens.js";

const DEEPEST = 6;
const TAGS = { "*": "strong", _: "em", "~": "s" };
const PIECE = /`([^`\n]+)`|<([^<>\n]+)>|(?<![\p{L}\p{N}])([*_~])(?=[^\s])((?:<[^<>\n]{0,1000}>|`[^`\n]{0,1000}`|[^\n<`]){1,1000}?)(?<=\S)\3(?![\p{L}\p{N}])/gu;

function words(text) {
  return withEmoji(unescaped(text));
}

/** The nodes of one stretch of text; line ends stay line ends. */
export function inline(model, text, depth = 0) {
  if (depth > DEEPEST) return [words(text)];
  const nodes = [];
  let at = 0;
  for (const found of text.matchAll(PIECE)) {
    nodes.push(words(text.slice(at, found.index)));
    nodes.push(piece(model, found, depth));
    at = found.index + found[0].length;
  }
  nodes.push(words(text.slice(at)));
  return nodes;
}

function piece(model, [, code, inside, mark, within], depth) {
  if (code !== undefined) return el("code", {}, unescaped(code));
  if (inside !== undefined) return token(model, inside);
  return el(TAGS[mark], {}, inline(model, within, depth + 1));
}

/** A whole text: fences, quotes, and the lines between them. */
export function mrkdwn(model, text) {
  const parts = String(text ?? "").split(/```\n?([\s\S]*?)\n?```\n?/);
  return fragment(parts.map((part, n) => (n % 2 ? fence(part) : outsideFences(model, part))));
}

function fence(code) {
  return el("pre", {}, el("code", {}, unescaped(code).replace(/<(https?:[^|>]+)(?:\|[^>]*)?>/g, "$1")));
}

function outsideFences(model, text) {
  const groups = [];
  for (const line of text.split("\n")) {
    const quoted = /^(?:&gt;|>) ?/.test(line);
    const bare = quoted ? line.replace(/^(?:&gt;|>) ?/, "") : line;
    if (groups.at(-1)?.quoted === quoted) groups.at(-1).lines.push(bare);
    else groups.push({ quoted, lines: [bare] });
  }
  return groups.map(({ quoted, lines }) => {
    const joined = lines.join("\n");
    if (!joined.trim()) return null;
    return el(quoted ? "blockquote" : "div", { class: "lines" }, inline(model, joined.replace(/^\n+|\n+$/g, "")));
  });
}

/** A text object of a block: plain_text or mrkdwn. */
export function textObject(model, object) {
  if (!object || typeof object.text !== "string") return null;
  if (object.type === "mrkdwn") return mrkdwn(model, object.text);
  return el("div", { class: "lines" }, object.emoji === false ? object.text : withEmoji(object.text));
}
