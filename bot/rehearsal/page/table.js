// Tables: from Markdown, from table blocks, and as the other form of a chart.

import { el } from "/page/dom.js";
import { richText } from "/page/rich_text.js";

/** A table whose first row is its head. `rows` hold lists of nodes; `aligns` one word per column. */
export function gridOf(rows, { aligns = [], caption = "" } = {}) {
  const cell = (tag, nodes, n) => el(tag, { scope: tag === "th" ? "col" : null, class: alignOf(aligns[n]) }, nodes);
  const [head = [], ...body] = rows;
  const scroller = { class: "grid", tabindex: "0", role: "region", "aria-label": caption || "Table" };
  return el("div", scroller, el("table", {},
    caption ? el("caption", {}, caption) : null,
    el("thead", {}, el("tr", {}, head.map((nodes, n) => cell("th", nodes, n)))),
    el("tbody", {}, body.map((row) => el("tr", {}, row.map((nodes, n) => cell("td", nodes, n))))),
  ));
}

function alignOf(word) {
  return word === "right" || word === "center" ? `align-${word}` : null;
}

/** A `table` or `data_table` block. */
export function tableBlock(model, block) {
  const aligns = (block.column_settings ?? []).map((setting) => setting?.align);
  const rows = block.rows.map((row) => row.map((cell) => cellNodes(model, cell)));
  return gridOf(rows, { aligns, caption: block.caption ?? "" });
}

function cellNodes(model, cell) {
  if (cell?.type === "rich_text") return [richText(model, cell)];
  return [String(cell?.text ?? cell?.value ?? "")];
}
