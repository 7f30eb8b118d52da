// A ring of shares.

import { svg } from "/page/dom.js";
import { place, written } from "/page/scale.js";

const SIZE = 200;
const OUTER = 92;
const INNER = 54;

export function pie(segments, total) {
  let from = 0;
  const slices = segments.map(({ label, value }, n) => {
    const share = value / total;
    const slice = segments.length === 1 ? whole() : svg("path", { d: arc(from, from + share) });
    slice.setAttribute("class", `slice tint-${n % 12}`);
    slice.append(svg("title", {}, `${label}: ${written(value)}`));
    from += share;
    return slice;
  });
  return svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, class: "picture pie", width: SIZE, height: SIZE }, slices);
}

function whole() {
  const middle = SIZE / 2;
  return svg("path", { "fill-rule": "evenodd", d: `${circle(middle, OUTER)} ${circle(middle, INNER)}` });
}

function circle(middle, radius) {
  return `M${middle - radius} ${middle}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0z`;
}

function arc(from, to) {
  const large = to - from > 0.5 ? 1 : 0;
  const [a, b] = [point(from, OUTER), point(to, OUTER)];
  const [c, d] = [point(to, INNER), point(from, INNER)];
  return `M${a}A${OUTER} ${OUTER} 0 ${large} 1 ${b}L${c}A${INNER} ${INNER} 0 ${large} 0 ${d}z`;
}

function point(share, radius) {
  const angle = 2 * Math.PI * share - Math.PI / 2;
  return `${place(SIZE / 2 + radius * Math.cos(angle))} ${place(SIZE / 2 + radius * Math.sin(angle))}`;
}
