// Where a person types: grows with the text, keeps drafts, completes as they go.

import { el, icon, unseen } from "/page/dom.js";
import { completion } from "/page/completion.js";
import { Suggestions } from "/page/suggestions.js";

const TALLEST_PX = 220;

export class Composer {
  /** `send(text)` says whether the text may go; `onUp` is called for Arrow Up in an empty field. */
  constructor(id, { label, send, onUp }) {
    this.send = send;
    this.onUp = onUp;
    this.drafts = new Map();
    this.key = null;
    this.place = { people: [], bot: "", inThread: false, dm: false };
    this.field = el("textarea", {
      id, rows: 1, "aria-label": label, "aria-autocomplete": "list", "aria-controls": `${id}-suggestions`,
      autocomplete: "off", spellcheck: "true", enterkeyhint: "send", "data-focus": "field",
      onkeydown: (event) => this.pressed(event),
      oninput: () => this.changed(),
      onclick: () => this.suggest(),
      onblur: () => this.suggestions.hide(),
    });
    this.suggestions = new Suggestions(`${id}-suggestions`, this.field, (item) => this.take(item));
    this.button = el("button", { type: "button", class: "send", disabled: true, onclick: () => this.submit() }, icon("send"), unseen("Send"));
    this.note = el("p", { class: "composer-note", role: "alert", hidden: true });
    this.hint = el("p", { class: "composer-hint", "aria-hidden": "true" });
    this.node = el("div", { class: "composer" }, this.suggestions.node, this.note,
      el("div", { class: "field" }, this.field, this.button), this.hint);
  }

  /** Turns to another conversation, with the draft left there. */
  at(key, { placeholder, hint, place, closed }) {
    this.place = place;
    if (this.field.placeholder !== placeholder) this.field.placeholder = placeholder;
    if (this.hint.textContent !== hint) this.hint.textContent = hint;
    this.field.disabled = Boolean(closed);
    if (key === this.key) return;
    if (this.key !== null) this.drafts.set(this.key, this.field.value);
    this.key = key;
    this.say("");
    this.fill(this.drafts.get(key) ?? "", { quiet: true });
  }

  fill(text, { quiet = false } = {}) {
    this.field.value = text;
    this.changed({ quiet: true });
    if (quiet) return;
    this.field.focus();
    this.field.setSelectionRange(text.length, text.length);
  }

  focus() {
    this.field.focus();
  }

  /** A line above the field: why something did not go. */
  say(text) {
    this.note.hidden = !text;
    this.note.textContent = text;
  }

  changed({ quiet = false } = {}) {
    this.button.disabled = !this.field.value.trim() || this.field.disabled;
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, TALLEST_PX)}px`;
    if (quiet) this.suggestions.hide();
    else this.suggest();
  }

  suggest() {
    const { value, selectionStart, selectionEnd } = this.field;
    const found = selectionStart === selectionEnd ? completion(value, selectionStart, this.place) : null;
    this.found = found;
    this.suggestions.show(found);
  }

  take(item) {
    const { value } = this.field;
    const after = value.slice(this.found.to);
    const kept = value.slice(0, this.found.from) + item.insert;
    this.field.value = kept + (item.insert.endsWith(" ") ? after.replace(/^ /, "") : after);
    this.field.setSelectionRange(kept.length, kept.length);
    this.changed();
  }

  pressed(event) {
    if (event.isComposing) return;
    if (this.suggestions.pressed(event)) {
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "ArrowUp" && this.field.value === "") {
      event.preventDefault();
      this.onUp();
    }
  }

  async submit() {
    const text = this.field.value.trim();
    const key = this.key;
    if (!text || this.field.disabled) return;
    this.say("");
    this.fill("");
    try {
      await this.send(text);
    } catch (error) {
      if (this.key === key && this.field.value === "") this.fill(text, { quiet: true });
      this.say(error.message);
    }
  }
}
