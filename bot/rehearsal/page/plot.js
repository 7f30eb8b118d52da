// Bars, lines and areas between two axes.

import { svg } from "/page/dom.js";
import { every, place, ticks, written } from "/page/scale.js";

const HEIGHT = 240;
const CHARACTER = 6.4;
const GAP = 8;

/** `series` is [{name, values}], one value per category; bars of one category stand on each other. */
export function plotted(kind, categories, series, axes, width) {
  const extent = kind === "bar" ? stackedExtent(series, categories.length) : plainExtent(series);
  const marks = ticks(...extent);
  const frame = frameOf(marks, axes, width);
  const x = (n) => frame.left + ((n + 0.5) * (frame.right - frame.left)) / categories.length;
  const y = (value) => frame.bottom - ((value - marks[0]) / (marks.at(-1) - marks[0])) * (frame.bottom - frame.top);
  const draw = { bar: bars, line: lines, area: areas }[kind];
  return svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, class: "picture", width, height: HEIGHT },
    grid(marks, frame, y),
    draw({ categories, series, x, y, frame }),
    categoryLabels(categories, frame, x),
    axisTitles(axes, frame),
  );
}

function frameOf(marks, axes, width) {
  const widest = Math.max(...marks.map((mark) => written(mark).length));
  const top = axes.y_label ? 26 : 10;
  const bottom = HEIGHT - (axes.x_label ? 44 : 26);
  return { left: widest * CHARACTER + GAP + 2, right: width - 6, top, bottom };
}

function stackedExtent(series, count) {
  const sums = (sign) => Array.from({ length: count }, (_, n) =>
    series.reduce((sum, { values }) => sum + (Math.sign(values[n]) === sign ? values[n] : 0), 0));
  return [Math.min(0, ...sums(-1)), Math.max(0, ...sums(1))];
}

function plainExtent(series) {
  const all = series.flatMap(({ values }) => values);
  return [Math.min(...all), Math.max(...all)];
}

function grid(marks, frame, y) {
  return marks.map((mark) => svg("g", { class: mark === 0 ? "mark zero" : "mark" },
    svg("line", { x1: frame.left, x2: frame.right, y1: place(y(mark)), y2: place(y(mark)) }),
    svg("text", { x: frame.left - GAP, y: place(y(mark) + 4), "text-anchor": "end" }, written(mark)),
  ));
}

function bars({ categories, series, x, y, frame }) {
  const wide = Math.min(36, ((frame.right - frame.left) / categories.length) * 0.68);
  return categories.map((category, n) => {
    const reached = { up: 0, down: 0 };
    return series.map(({ name, values }, which) => {
      const side = values[n] < 0 ? "down" : "up";
      const [from, to] = [reached[side], reached[side] + values[n]];
      reached[side] = to;
      const height = Math.abs(y(from) - y(to));
      if (height === 0) return null;
      const box = { x: place(x(n) - wide / 2), y: place(Math.min(y(from), y(to))), width: place(wide), height: place(height) };
      return svg("rect", { ...box, class: `column tint-${which % 12}` }, svg("title", {}, `${category} · ${name}: ${written(values[n])}`));
    });
  });
}

function path(values, x, y) {
  return values.map((value, n) => `${n ? "L" : "M"}${place(x(n))} ${place(y(value))}`).join("");
}

function lines({ categories, series, x, y }) {
  return series.map(({ name, values }, which) => svg("g", { class: `line tint-${which % 12}` },
    svg("path", { d: path(values, x, y) }),
    values.map((value, n) => svg("circle", { cx: place(x(n)), cy: place(y(value)), r: 3 },
      svg("title", {}, `${categories[n]} · ${name}: ${written(value)}`))),
  ));
}

function areas(parts) {
  const { series, x, y, categories } = parts;
  const shade = ({ values }, which) => {
    const floor = place(y(0));
    const d = `M${place(x(0))} ${floor}${path(values, x, y).replace("M", "L")}L${place(x(categories.length - 1))} ${floor}z`;
    return svg("path", { d, class: `shade tint-${which % 12}` });
  };
  return [series.map(shade), lines(parts)];
}

function categoryLabels(categories, frame, x) {
  const longest = Math.max(...categories.map((category) => category.length));
  const step = every(categories.length, longest * CHARACTER + GAP, frame.right - frame.left);
  const shown = categories.map((category, n) => [category, n]).filter(([, n]) => n % step === 0);
  return shown.map(([category, n]) =>
    svg("text", { class: "category", x: place(x(n)), y: frame.bottom + 18, "text-anchor": "middle" }, category));
}

function axisTitles(axes, frame) {
  const middle = place((frame.left + frame.right) / 2);
  return [
    axes.y_label ? svg("text", { class: "axis", x: 0, y: 12 }, axes.y_label) : null,
    axes.x_label ? svg("text", { class: "axis", x: middle, y: HEIGHT - 6, "text-anchor": "middle" }, axes.x_label) : null,
  ];
}
