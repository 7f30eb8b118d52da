// A button of a block: pressed as the acting person, answered by the bot.

import { el } from "/page/dom.js";
import { withEmoji } from "/page/emoji.js";

const STYLES = { primary: "primary", danger: "danger" };

export function button(model, element, block, message) {
  const words = withEmoji(String(element.text?.text ?? "Button"));
  const press = async (event) => {
    const pressed = event.currentTarget;
    if (element.confirm && !window.confirm(question(element.confirm))) return;
    pressed.setAttribute("aria-busy", "true");
    try {
      await model.act.press(message, {
        action_id: element.action_id,
        value: element.value ?? null,
        block_id: block.block_id ?? null,
      });
    } finally {
      pressed.removeAttribute("aria-busy");
    }
  };
  return el("button", {
    type: "button",
    class: `button ${STYLES[element.style] ?? ""}`.trim(),
    "aria-label": element.accessibility_label,
    "data-focus": `action ${element.action_id} ${element.value ?? ""}`,
    onclick: press,
  }, words);
}

function question(confirm) {
  return [confirm.title?.text, confirm.text?.text].filter(Boolean).join("\n\n");
}
