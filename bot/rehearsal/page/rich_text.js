// The rich_text block. Its words are never parsed: what it says is what is shown.

import { el, fragment } from "/page/dom.js";
import { emoji } from "/page/emoji.js";
import { link } from "/page/link.js";
import { broadcast, channelLink, dateTime, mention } from "/page/tokens.js";

const STYLES = { bold: "strong", italic: "em", strike: "s", code: "code", underline: "u" };

export function richText(model, block) {
  return fragment((block.elements ?? []).map((part) => partOf(model, part)));
}

function partOf(model, part) {
  const inside = () => (part.elements ?? []).map((element) => elementOf(model, element));
  switch (part.type) {
    case "rich_text_section":
      return el("div", { class: "lines" }, inside());
    case "rich_text_preformatted":
      return el("pre", {}, el("code", {}, inside()));
    case "rich_text_quote":
      return el("blockquote", { class: "lines" }, inside());
    case "rich_text_list":
      return listOf(model, part);
    default:
      return el("div", { class: "not-shown" }, `Not shown here: ${part.type}`);
  }
}

function listOf(model, part) {
  const tag = part.style === "ordered" ? "ol" : "ul";
  const indent = Math.max(0, Math.min(8, Number(part.indent) || 0));
  const items = (part.elements ?? []).map((item) => el("li", {}, partOf(model, item)));
  return el(tag, { class: indent ? `indent-${indent}` : null, start: part.offset ? part.offset + 1 : null }, items);
}

function elementOf(model, element) {
  switch (element.type) {
    case "text":
      return styled([String(element.text)], element.style);
    case "link":
      return styled(link(String(element.url), [element.text || element.url], element.text || element.url), element.style);
    case "emoji":
      return emoji(String(element.name));
    case "user":
      return mention(model, element.user_id);
    case "channel":
      return channelLink(model, element.channel_id, "");
    case "broadcast":
      return broadcast(element.range);
    case "usergroup":
      return el("span", { class: "mention" }, `@${element.usergroup_id}`);
    case "date":
      return dateTime(model, element.timestamp, element.format ?? "", element.fallback ?? "", element.url);
    default:
      return String(element.text ?? element.value ?? "");
  }
}

function styled(nodes, style = {}) {
  const tags = Object.keys(STYLES).filter((name) => style?.[name]);
  return tags.reduce((inner, name) => [el(STYLES[name], {}, inner)], nodes);
}
