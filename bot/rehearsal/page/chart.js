// The data_visualization block: a picture, its legend, and the same numbers as a table.

import { el } from "/page/dom.js";
import { plotted } from "/page/plot.js";
import { pie } from "/page/pie.js";
import { written } from "/page/scale.js";
import { gridOf } from "/page/table.js";

export function chartBlock(model, block) {
  const { title = "Chart", chart } = block;
  const drawn = chart.type === "pie" ? pieParts(chart) : axisParts(model, chart);
  const picture = drawn.picture;
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", `${title}. ${drawn.summary} The numbers are in the table below.`);
  return el("figure", { class: "chart" },
    el("figcaption", {}, title),
    drawn.legend.length > 1 ? legend(drawn.legend) : null,
    picture,
    el("details", {}, el("summary", { "data-focus": "chart-table" }, "Numbers"), gridOf(drawn.rows, { aligns: drawn.aligns, caption: title })),
  );
}

function legend(names) {
  const entry = (name, n) => el("li", {}, el("span", { class: `swatch tint-${n % 12}`, "aria-hidden": "true" }), name);
  return el("ul", { class: "legend", "aria-label": "Legend" }, names.map(entry));
}

function axisParts(model, chart) {
  const categories = chart.axis_config.categories;
  const series = chart.series.map(({ name, data }) => {
    const values = new Map(data.map(({ label, value }) => [label, Number(value) || 0]));
    return { name, values: categories.map((category) => values.get(category) ?? 0) };
  });
  const head = [chart.axis_config.x_label || "", ...series.map(({ name }) => name)];
  const rows = categories.map((category, n) => [category, ...series.map(({ values }) => written(values[n]))]);
  const kind = { bar: "Stacked bars", line: "Lines", area: "Areas" }[chart.type];
  return {
    picture: plotted(chart.type, categories, series, chart.axis_config, model.chartWidth),
    legend: series.map(({ name }) => name),
    summary: `${kind}: ${series.map(({ name }) => name).join(", ")} over ${categories.length} categories.`,
    rows: [head, ...rows].map((row) => row.map((cell) => [cell])),
    aligns: ["left", ...series.map(() => "right")],
  };
}

function pieParts(chart) {
  const total = chart.segments.reduce((sum, { value }) => sum + value, 0);
  const share = (value) => `${Math.round((100 * value) / total)} %`;
  const rows = chart.segments.map(({ label, value }) => [label, written(value), share(value)]);
  return {
    picture: pie(chart.segments, total),
    legend: chart.segments.map(({ label, value }) => `${label} · ${share(value)}`),
    summary: `Pie: ${chart.segments.map(({ label, value }) => `${label} ${share(value)}`).join(", ")}.`,
    rows: [["", "Value", "Share"], ...rows].map((row) => row.map((cell) => [cell])),
    aligns: ["left", "right", "right"],
  };
}
