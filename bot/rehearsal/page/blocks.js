// Slack's blocks. A kind that is not drawn here is named in a box, never dropped.

import { el } from "/page/dom.js";
import { button } from "/page/buttons.js";
import { chartBlock } from "/page/chart.js";
import { chooser, iconButton, overflow, thumbs } from "/page/choosing.js";
import { isField } from "/page/fields.js";
import { markdown } from "/page/markdown.js";
import { textObject } from "/page/mrkdwn.js";
import { richText } from "/page/rich_text.js";
import { planBlock, taskCard } from "/page/steps.js";
import { tableBlock } from "/page/table.js";

const KINDS = {
  section,
  context,
  actions,
  image,
  header: (model, block) => el("p", { class: "header", role: "heading", "aria-level": 3 }, textObject(model, block.text)),
  divider: () => el("hr"),
  markdown: (model, block) => el("div", { class: "markdown" }, markdown(model, block.text)),
  rich_text: (model, block) => el("div", { class: "rich" }, richText(model, block)),
  table: tableBlock,
  data_table: tableBlock,
  data_visualization: chartBlock,
  context_actions: actions,
  plan: planBlock,
  task_card: taskCard,
};

const CONTROLS = { button, overflow, feedback_buttons: thumbs, icon_button: iconButton };

/** The nodes of a message's blocks, or of a view's; `message` tells a control where it stands. */
export function blockNodes(model, message) {
  return message.blocks.map((block) => el("div", { class: "block" }, drawn(model, block, message)));
}

function drawn(model, block, message) {
  const kind = Object.hasOwn(KINDS, block?.type) ? KINDS[block.type] : null;
  if (!kind) return notShown(`a ${block?.type} block`);
  try {
    return kind(model, block, message);
  } catch (error) {
    console.error(error);
    return notShown(`a ${block.type} block that could not be read`);
  }
}

function notShown(what) {
  return el("div", { class: "not-shown" }, `Not shown here: ${what}`);
}

function section(model, block, message) {
  const fields = (block.fields ?? []).map((field) => el("div", {}, textObject(model, field)));
  return el("div", { class: "section" },
    el("div", { class: "section-text" },
      textObject(model, block.text),
      fields.length ? el("div", { class: "fields" }, fields) : null,
    ),
    block.accessory ? control(model, block.accessory, block, message) : null,
  );
}

function context(model, block) {
  return el("div", { class: "context" }, block.elements.map((element) =>
    element.type === "image" ? notShown(`image: ${element.alt_text}`) : el("div", {}, textObject(model, element))));
}

function actions(model, block, message) {
  return el("div", { class: "actions" }, block.elements.map((element) => control(model, element, block, message)));
}

function control(model, element, block, message) {
  if (Object.hasOwn(CONTROLS, element?.type)) return CONTROLS[element.type](model, element, block, message);
  if (isField(element)) return chooser(model, element, block, message);
  return notShown(element.type === "image" ? `image: ${element.alt_text}` : `a ${element.type}`);
}

function image(model, block) {
  return el("figure", { class: "image" },
    block.title ? el("figcaption", {}, textObject(model, block.title)) : null,
    notShown(`image: ${block.alt_text}`),
  );
}
