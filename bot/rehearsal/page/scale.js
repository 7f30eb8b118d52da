// Numbers to places: round steps for an axis, and how a number is written beside it.

const STEPS = [1, 2, 2.5, 5, 10];

/** Round ticks that cover both ends, five or six of them; zero is always inside. */
export function ticks(lowest, highest) {
  const low = Math.min(0, lowest);
  const high = Math.max(0, highest);
  const span = high - low || 1;
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const step = power * STEPS.find((factor) => factor * power >= span / 4);
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, n) => (first + n) * step);
}

export function written(value) {
  return new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 }).format(value);
}

/** A number as a coordinate: two digits are finer than any screen. */
export function place(value) {
  return Math.round(value * 100) / 100;
}

/** Every how many labels one fits, when each needs `needed` units of `room`. */
export function every(count, needed, room) {
  return Math.max(1, Math.ceil((count * needed) / room));
}
