// The emoji that appear in a rehearsal. Any other name is shown as it was written.

const EMOJI = {
  alarm_clock: "⏰", arrow_up: "⬆️", arrow_down: "⬇️", bar_chart: "📊", bell: "🔔", black_circle: "⚫️",
  bug: "🐛", bulb: "💡", calendar: "📅", chart_with_upwards_trend: "📈", eyes: "👀", double_vertical_bar: "⏸️", hourglass: "⌛",
  hourglass_flowing_sand: "⏳", inbox_tray: "📥", large_blue_circle: "🔵", large_green_circle: "🟢",
  large_orange_circle: "🟠", large_red_square: "🟥", large_yellow_square: "🟨", large_purple_circle: "🟣", large_yellow_circle: "🟡", lock: "🔒",
  mag: "🔍", memo: "📝", moneybag: "💰", no_entry: "⛔", no_entry_sign: "🚫", octagonal_sign: "🛑", purple_circle: "🟣",
  orange_circle: "🟠", question: "❓", red_circle: "🔴", repeat: "🔁", robot_face: "🤖",
  rotating_light: "🚨", speech_balloon: "💬", sparkles: "✨", tada: "🎉", thinking_face: "🤔",
  thumbsdown: "👎", thumbsup: "👍", "+1": "👍", "-1": "👎", warning: "⚠️", wave: "👋",
  white_check_mark: "✅", heavy_check_mark: "✔️", white_circle: "⚪️", wrench: "🔧", x: "❌", zap: "⚡",
};

export function emoji(name) {
  return Object.hasOwn(EMOJI, name) ? EMOJI[name] : `:${name}:`;
}

/** The text with `:names:` of known emoji replaced. */
export function withEmoji(text) {
  return text.replace(/:([a-z0-9_+-]+):/g, (_whole, name) => emoji(name));
}
