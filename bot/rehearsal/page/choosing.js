// Menus, radio buttons, boxes and thumbs in a row of controls: used as the acting person, at once.

import { el } from "/page/dom.js";
import { withEmoji } from "/page/emoji.js";
import { field, givenIn } from "/page/fields.js";

let made = 0;

/** A chooser that tells the bot what was chosen. */
export function chooser(model, element, block, place) {
  made += 1;
  const state = place.view?.state.values[block.block_id]?.[element.action_id];
  const first = element.initial_option?.value ?? element.initial_options?.map(({ value }) => value) ?? null;
  const filled = field(model, element, { id: `choose-${made}`, given: givenIn(state) ?? first });
  filled.control.setAttribute("aria-label", element.placeholder?.text ?? "Choose");
  filled.control.addEventListener("change", () => {
    const value = filled.value();
    if (value !== null) press(model, element, block, place, value);
  });
  return filled.node;
}

/** An overflow menu, as a select that goes back to its name. */
export function overflow(model, element, block, place) {
  const node = el("select", {
    "aria-label": "More",
    "data-focus": `action ${element.action_id}`,
    onchange: () => {
      const { value } = node;
      node.value = "";
      press(model, element, block, place, value);
    },
  }, el("option", { value: "" }, "More"), element.options.map(({ text, value }) => el("option", { value }, text.text)));
  return node;
}

export function thumbs(model, element, block, place) {
  const side = ({ text, value, accessibility_label: label }, sign) => el("button", {
    type: "button",
    class: "button thumb",
    "aria-label": label ?? text.text,
    title: text.text,
    "data-focus": `action ${element.action_id} ${value}`,
    onclick: () => press(model, element, block, place, value),
  }, sign);
  return el("span", { class: "thumbs", role: "group", "aria-label": "Was this good?" },
    side(element.positive_button, "👍"), side(element.negative_button, "👎"));
}

export function iconButton(model, element, block, place) {
  return el("button", {
    type: "button",
    class: "button",
    "data-focus": `action ${element.action_id}`,
    onclick: () => press(model, element, block, place, element.value ?? null),
  }, withEmoji(element.text.text));
}

function press(model, element, block, place, value) {
  return model.act.press(place, { action_id: element.action_id, value, block_id: block.block_id ?? null });
}
