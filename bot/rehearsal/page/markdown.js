// The markdown block: headings, paragraphs, lists, task lists, fences, tables, quotes, links. No HTML.

import { el, fragment } from "/page/dom.js";
import { markdownInline } from "/page/markdown_inline.js";
import { gridOf } from "/page/table.js";

const DEEPEST = 8;
const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^`\s]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,12})([-*+]|\d{1,9}[.)])(?: +(.*)|)$/;
const DELIMITER = /^ {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

export function markdown(model, text) {
  return blocksOf(model, String(text ?? "").replace(/\t/g, "    ").split("\n"), 0);
}

function blocksOf(model, lines, depth) {
  const nodes = [];
  let at = 0;
  while (at < lines.length) {
    if (!lines[at].trim()) {
      at += 1;
      continue;
    }
    const [node, next] = blockAt(model, lines, at, depth);
    nodes.push(node);
    at = next;
  }
  return fragment(nodes);
}

function blockAt(model, lines, at, depth) {
  const line = lines[at];
  if (FENCE.test(line)) return fenceAt(lines, at);
  if (RULE.test(line)) return [el("hr"), at + 1];
  const heading = HEADING.exec(line);
  if (heading) return [headingOf(model, heading), at + 1];
  if (depth < DEEPEST && QUOTE.test(line)) return quoteAt(model, lines, at, depth);
  if (depth < DEEPEST && ITEM.test(line)) return listAt(model, lines, at, depth);
  if (startsTable(lines, at)) return tableAt(model, lines, at);
  return paragraphAt(model, lines, at);
}

function headingOf(model, [, marks, words]) {
  const level = { role: "heading", "aria-level": Math.min(6, marks.length + 2) };
  return el("p", { class: `heading heading-${marks.length}`, ...level }, markdownInline(model, words));
}

function fenceAt(lines, at) {
  const [, marks, language] = FENCE.exec(lines[at]);
  const closing = new RegExp(`^ {0,3}${marks[0]}{${marks.length},}\\s*$`);
  let end = at + 1;
  while (end < lines.length && !closing.test(lines[end])) end += 1;
  const code = el("code", {}, lines.slice(at + 1, end).join("\n"));
  return [el("pre", { "data-language": language || null }, code), end + 1];
}

function quoteAt(model, lines, at, depth) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end += 1;
  const inside = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return [el("blockquote", {}, blocksOf(model, inside, depth + 1)), end];
}

function listAt(model, lines, at, depth) {
  const ordered = /\d/.test(ITEM.exec(lines[at])[2]);
  const start = ordered ? Number.parseInt(ITEM.exec(lines[at])[2], 10) : null;
  const indent = ITEM.exec(lines[at])[1].length;
  const items = [];
  let next = at;
  while (next < lines.length && belongs(lines[next], indent, ordered)) {
    const [item, after] = itemAt(model, lines, next, depth);
    items.push(item);
    next = after;
    let ahead = next;
    while (ahead < lines.length && !lines[ahead].trim()) ahead += 1;
    if (ahead < lines.length && belongs(lines[ahead], indent, ordered)) next = ahead;
  }
  return [el(ordered ? "ol" : "ul", { start: start === 1 ? null : start }, items), next];
}

function belongs(line, indent, ordered) {
  const item = ITEM.exec(line);
  if (!item || RULE.test(line)) return false;
  return /\d/.test(item[2]) === ordered && Math.abs(item[1].length - indent) < 2;
}

function itemAt(model, lines, at, depth) {
  const [, spaces, marker, first = ""] = ITEM.exec(lines[at]);
  const width = spaces.length + marker.length + 1;
  const inside = [first];
  let end = at + 1;
  while (end < lines.length && continuesItem(lines, end, spaces.length)) {
    const own = /^ */.exec(lines[end])[0].length;
    inside.push(lines[end].slice(Math.min(width, own)));
    end += 1;
  }
  while (inside.length > 1 && !inside.at(-1).trim()) inside.pop();
  const task = /^\[([ xX])\] +/.exec(inside[0]);
  if (!task) return [el("li", {}, itemBody(model, inside, depth)), end];
  inside[0] = inside[0].slice(task[0].length);
  return [el("li", { class: "task" }, box(task[1] !== " "), itemBody(model, inside, depth)), end];
}

function continuesItem(lines, at, indent) {
  const line = lines[at];
  if (!line.trim()) return at + 1 < lines.length && /^ */.exec(lines[at + 1])[0].length >= indent + 2 && Boolean(lines[at + 1].trim());
  if (/^ */.exec(line)[0].length >= indent + 2) return true;
  return Boolean(lines[at - 1].trim()) && !startsBlock(line);
}

function startsBlock(line) {
  return [FENCE, HEADING, RULE, QUOTE, ITEM].some((start) => start.test(line));
}

function itemBody(model, lines, depth) {
  const body = blocksOf(model, lines, depth + 1);
  const first = body.firstElementChild;
  if (first?.tagName === "P" && !first.className) first.replaceWith(el("span", { class: "item" }, [...first.childNodes]));
  return body;
}

function box(done) {
  return el("span", { class: done ? "box done" : "box", role: "img", "aria-label": done ? "done" : "to do" });
}

function startsTable(lines, at) {
  const [head, delimiter] = [lines[at], lines[at + 1] ?? ""];
  return head.includes("|") && delimiter.includes("-") && DELIMITER.test(delimiter) && cellsOf(head).length === cellsOf(delimiter).length;
}

function tableAt(model, lines, at) {
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|") && lines[end].trim()) end += 1;
  const aligns = cellsOf(lines[at + 1]).map((mark) => (mark.endsWith(":") ? (mark.startsWith(":") ? "center" : "right") : "left"));
  const rows = [at, ...Array.from({ length: end - at - 2 }, (_, n) => at + 2 + n)].map((n) =>
    aligns.map((_, column) => markdownInline(model, cellsOf(lines[n])[column] ?? "")),
  );
  return [gridOf(rows, { aligns }), end];
}

function cellsOf(line) {
  const cells = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "").split(/(?<!\\)\|/);
  return cells.map((cell) => cell.trim().replace(/\\\|/g, "|"));
}

function paragraphAt(model, lines, at) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim() && !startsBlock(lines[end]) && !startsTable(lines, end)) end += 1;
  const words = lines.slice(at, end).map((line) => line.trim()).join("\n");
  return [el("p", {}, markdownInline(model, words)), end];
}
