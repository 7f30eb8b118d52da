// Times as a reader in their own zone sees them.

const DAY_MS = 86_400_000;

function written(date, zone, parts) {
  if (Number.isNaN(date.getTime())) return "";
  try {
    return new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...parts }).format(date);
  } catch {
    return new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...parts }).format(date);
  }
}

function ofSlack(ts) {
  return new Date(Number(ts) * 1000);
}

export function clock(date, zone) {
  return written(date, zone, { hour: "2-digit", minute: "2-digit" });
}

export function clockWithSeconds(date, zone) {
  return written(date, zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/** A message's time of day, as a `time` attribute's words, a label and a title. */
export function messageTime(ts, zone) {
  const date = ofSlack(ts);
  const title = written(date, zone, { dateStyle: "full", timeStyle: "medium" });
  return { iso: title && date.toISOString(), label: clock(date, zone), title };
}

function numbered(date, zone) {
  return written(date, zone, { day: "2-digit", month: "2-digit", year: "numeric" }).split("/").reverse().join("-");
}

/** The day a message belongs to, sortable. */
export function dayOf(ts, zone) {
  return numbered(ofSlack(ts), zone);
}

function relativeDay(date, zone, now) {
  const day = numbered(date, zone);
  const named = [[0, "today"], [-1, "yesterday"], [1, "tomorrow"]];
  return named.find(([away]) => numbered(new Date(now.getTime() + away * DAY_MS), zone) === day)?.[1] ?? null;
}

/** "Today", "Yesterday" or "Sunday 22 November". */
export function dayTitle(ts, zone, now = new Date()) {
  const date = ofSlack(ts);
  const relative = relativeDay(date, zone, now);
  if (relative) return relative[0].toUpperCase() + relative.slice(1);
  return written(date, zone, { weekday: "long", day: "numeric", month: "long" }).replace(",", "");
}

function ago(date, now) {
  const minutes = Math.round((now - date) / 60_000);
  if (Math.abs(minutes) < 1) return "now";
  const [amount, unit] = Math.abs(minutes) < 60 ? [minutes, "min"] : [Math.round(minutes / 60), "h"];
  return amount > 0 ? `${amount} ${unit} ago` : `in ${-amount} ${unit}`;
}

/** Slack's date template: `{date_short_pretty} at {time}` for an epoch in seconds. */
export function slackDate(epoch, template, fallback, zone, now = new Date()) {
  const date = new Date(Number(epoch) * 1000);
  if (epoch === "" || Number.isNaN(date.getTime())) return fallback;
  const plain = {
    date_num: () => numbered(date, zone),
    date_slash: () => written(date, zone, { day: "2-digit", month: "2-digit", year: "numeric" }),
    date: () => written(date, zone, { day: "numeric", month: "long", year: "numeric" }),
    date_short: () => written(date, zone, { day: "numeric", month: "short", year: "numeric" }),
    date_long: () => written(date, zone, { weekday: "long", day: "numeric", month: "long", year: "numeric" }),
    time: () => clock(date, zone),
    time_secs: () => clockWithSeconds(date, zone),
    ago: () => ago(date, now),
    day_divider_pretty: () => relativeDay(date, zone, now) ?? plain.date_long(),
  };
  const shown = (name) => {
    const words = name.endsWith("_pretty") && !plain[name] ? relativeDay(date, zone, now) : null;
    return words ?? plain[name]?.() ?? plain[name.replace(/_pretty$/, "")]?.() ?? null;
  };
  return template.replace(/\{(\w+)\}/g, (whole, name) => shown(name) ?? whole);
}
