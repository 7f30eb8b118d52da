// What a form's element looks like, and what is in it: {node, value()} for each kind that can be filled in.

import { el } from "/page/dom.js";

const KINDS = {
  plain_text_input: text,
  number_input: numeral,
  static_select: (model, element, given) => select(element, given, element.options.map(({ text: words, value }) => [value, words.text])),
  users_select: (model, element, given) => select(element, given, model.people.map((person) => [person.id, person.real_name || person.name])),
  channels_select: (model, element, given) => select(element, given, places(model, (channel) => channel.kind === "channel")),
  conversations_select: (model, element, given) => select(element, given, places(model, () => true)),
  radio_buttons: (model, element, given, name) => choices(element, "radio", given === null ? [] : [given], name),
  checkboxes: (model, element, given, name) => choices(element, "checkbox", given ?? [], name),
};

export function isField(element) {
  return Object.hasOwn(KINDS, element?.type);
}

/** `given` is what is in it at first; `id` names it for its label, `name` keeps radio buttons together. */
export function field(model, element, { id, given, described = null }) {
  const made = KINDS[element.type](model, element, given, id);
  made.control.id = id;
  if (described) made.control.setAttribute("aria-describedby", described);
  if (element.focus_on_load) made.control.setAttribute("autofocus", "");
  made.control.dataset.focus = `field ${element.action_id}`;
  return made;
}

/** The value that stands in `state.values`, as a person would give it. */
export function givenIn(state) {
  if (!state) return null;
  if (state.selected_options) return state.selected_options.map(({ value }) => value);
  return state.selected_option?.value ?? state.selected_channel ?? state.selected_conversation ?? state.selected_user ?? state.value ?? null;
}

function text(model, element, given) {
  const look = { placeholder: element.placeholder?.text, maxlength: element.max_length ?? 3000 };
  const control = element.multiline ? el("textarea", { ...look, rows: 4 }) : el("input", { ...look, type: "text" });
  control.value = given ?? "";
  return { control, node: control, value: () => control.value };
}

function numeral(model, element, given) {
  const inputmode = element.is_decimal_allowed ? "decimal" : "numeric";
  const control = el("input", { type: "text", inputmode, placeholder: element.placeholder?.text, autocomplete: "off" });
  control.value = given ?? "";
  return { control, node: control, value: () => control.value };
}

function select(element, given, options) {
  const none = element.placeholder?.text ?? "Choose one";
  const control = el("select", {},
    el("option", { value: "" }, none),
    options.map(([value, words]) => el("option", { value }, words)));
  control.value = given ?? "";
  if (control.selectedIndex < 0) control.value = "";
  return { control, node: control, value: () => control.value || null };
}

function places(model, fits) {
  const seen = model.state.channels.filter((channel) => fits(channel) && channel.members.includes(model.me));
  return seen.map((channel) => [channel.id, channel.kind === "dm" ? "Onequeue" : `#${channel.name}`]);
}

function choices(element, type, given, name) {
  const rows = element.options.map((option, n) => {
    const box = el("input", { type, name, value: option.value, id: `${name}-${n}`, checked: given.includes(option.value) });
    const more = option.description ? el("span", { class: "quiet" }, ` ${option.description.text}`) : null;
    return { box, row: el("label", { class: "choice", for: `${name}-${n}` }, box, el("span", {}, option.text.text, more)) };
  });
  const control = el("div", { class: "choices", role: type === "radio" ? "radiogroup" : "group" }, rows.map(({ row }) => row));
  const chosen = () => rows.filter(({ box }) => box.checked).map(({ box }) => box.value);
  return { control, node: control, value: () => (type === "radio" ? (chosen()[0] ?? null) : chosen()) };
}
