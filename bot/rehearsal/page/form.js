// A form that the bot has opened: on top of everything, filled in, sent or closed.

import { blockNodes } from "/page/blocks.js";
import { el, icon, unseen } from "/page/dom.js";
import { field, givenIn } from "/page/fields.js";

export class Form {
  /** `send(values)` gives {errors, text}; `close(all)` closes this view or all of them. Both may throw. */
  constructor(dialog, { send, close }) {
    this.dialog = dialog;
    this.send = send;
    this.close = close;
    this.view = null;
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.leave(false);
    });
  }

  get open() {
    return this.view !== null;
  }

  show(model) {
    const open = model.state.modal ?? null;
    if (!open) this.hide();
    else if (open.view.id !== this.view?.id || open.view.hash !== this.view?.hash) this.draw(model, open);
  }

  hide() {
    if (!this.view) return;
    this.view = null;
    this.dialog.close();
    this.dialog.replaceChildren();
    this.before?.focus?.();
  }

  draw(model, { view, depth }) {
    const typed = view.id === this.view?.id ? this.values() : {};
    if (!this.view) this.before = document.activeElement;
    this.view = view;
    this.fields = new Map();
    this.slots = new Map();
    this.note = el("p", { class: "composer-note", role: "alert", hidden: true });
    const blocks = view.blocks.map((block) => (block.type === "input" ? this.input(model, block, typed) : this.shown(model, block)));
    const submit = view.submit ? el("button", { type: "submit", class: "button primary" }, view.submit.text) : null;
    this.dialog.replaceChildren(el("form", { class: "form", novalidate: true, onsubmit: (event) => this.submitted(event, submit) },
      el("header", { class: "form-bar" },
        el("h2", { id: "form-title" }, view.title.text),
        el("button", { type: "button", class: "tool", onclick: () => this.leave(true) }, icon("close"), unseen("Close form"))),
      el("div", { class: "form-body" }, this.note, blocks),
      el("footer", { class: "form-bar" },
        el("button", { type: "button", class: "button", onclick: () => this.leave(false) }, view.close?.text ?? (depth > 1 ? "Back" : "Cancel")),
        submit)));
    if (!this.dialog.open) this.dialog.showModal();
    (this.dialog.querySelector("[autofocus], .form-body :is(input, textarea, select, button)") ?? this.dialog.querySelector("button")).focus();
  }

  input(model, block, typed) {
    const { element } = block;
    const id = `form-${block.block_id}-${element.action_id}`;
    const state = this.view.state.values[block.block_id]?.[element.action_id];
    const given = Object.hasOwn(typed, element.action_id) ? typed[element.action_id] : givenIn(state);
    const made = field(model, element, { id, given, described: `${id}-more` });
    if (!block.optional) made.control.setAttribute("aria-required", "true");
    if (block.dispatch_action) made.control.addEventListener("change", () => this.pressed(model, block, made.value()));
    const group = made.control.getAttribute("role") !== null;
    if (group) made.control.setAttribute("aria-labelledby", `${id}-label`);
    this.fields.set(element.action_id, made);
    const slot = el("span", { class: "form-error" });
    this.slots.set(block.block_id, { slot, control: made.control });
    return el("div", { class: "form-row" },
      el(group ? "p" : "label", { class: "form-label", for: group ? null : id, id: `${id}-label` },
        block.label.text, block.optional ? el("span", { class: "quiet" }, " (optional)") : null),
      made.node,
      el("p", { class: "form-more", id: `${id}-more` }, block.hint ? el("span", { class: "quiet" }, block.hint.text) : null, slot));
  }

  shown(model, block) {
    return blockNodes(model, { where: "modal", view: this.view, blocks: [block] });
  }

  pressed(model, block, value) {
    return model.act.press({ where: "modal" }, { action_id: block.element.action_id, value, block_id: block.block_id });
  }

  values() {
    return Object.fromEntries([...this.fields].map(([name, { value }]) => [name, value()]));
  }

  async submitted(event, button) {
    event.preventDefault();
    this.say({ errors: {}, text: "" });
    button?.setAttribute("aria-busy", "true");
    try {
      this.say(await this.send(this.values()));
    } catch (error) {
      this.say({ errors: {}, text: error.message });
    } finally {
      button?.removeAttribute("aria-busy");
    }
  }

  /** Errors at their fields, and a line above them all. */
  say({ errors, text }) {
    this.note.textContent = text;
    this.note.hidden = !text;
    for (const [block, { slot, control }] of this.slots) {
      slot.textContent = errors[block] ?? "";
      control.setAttribute("aria-invalid", String(Object.hasOwn(errors, block)));
    }
    this.slots.get(Object.keys(errors)[0])?.control.focus();
  }

  async leave(all) {
    try {
      await this.close(all);
    } catch (error) {
      this.say({ errors: {}, text: error.message });
    }
  }
}
