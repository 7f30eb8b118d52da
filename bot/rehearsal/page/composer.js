// Where a person types: grows with the text, keeps drafts, completes as they go.

import { el, icon, unseen } from "/page/dom.js";
import { menu } from "/page/menu.js";
import { Picked } from "/page/picked.js";
import { reconcile } from "/page/reconcile.js";
import { completion } from "/page/completion.js";
import { Suggestions } from "/page/suggestions.js";

const TALLEST_PX = 220;

export class Composer {
  /** `send(text, files)` sends, or throws words for the person; `onUp` is called for Arrow Up in an empty field. */
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
    this.picked = new Picked(id, { changed: () => this.changed({ quiet: true }), say: (text) => this.say(text) });
    this.offers = el("div", { class: "offers" });
    this.note = el("p", { class: "composer-note", role: "alert", hidden: true });
    this.hint = el("p", { class: "composer-hint", "aria-hidden": "true" });
    this.node = el("div", { class: "composer" }, this.suggestions.node, this.note,
      this.picked.list,
      el("div", { class: "field" }, this.offers, this.picked.button, this.picked.input, this.field, this.button), this.hint);
  }

  /** Turns to another conversation, with the draft left there. */
  at(key, { placeholder, hint, place, closed }) {
    this.place = place;
    if (this.field.placeholder !== placeholder) this.field.placeholder = placeholder;
    if (this.hint.textContent !== hint) this.hint.textContent = hint;
    this.field.disabled = this.picked.button.disabled = Boolean(closed);
    if (key === this.key) return;
    if (this.key !== null) this.drafts.set(this.key, { text: this.field.value, files: this.picked.files });
    this.key = key;
    this.say("");
    const draft = this.drafts.get(key);
    this.picked.put(draft?.files ?? []);
    this.fill(draft?.text ?? "", { quiet: true });
  }

  /** Shortcuts that are used from here; `use` is called with the one's id. */
  offer(shortcuts, use) {
    this.use = use;
    const signature = JSON.stringify(shortcuts);
    const items = shortcuts.map(({ name, callback_id: callback }) => ({ label: name, pick: () => this.use(callback) }));
    reconcile(this.offers, items.length ? [{ key: "shortcuts", signature, build: () => menu("Shortcuts", "plus", items) }] : []);
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
    const something = this.field.value.trim() || this.picked.files.length > 0;
    this.button.disabled = !something || this.field.disabled;
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
    const { key } = this;
    const { files } = this.picked;
    if (this.button.disabled) return;
    this.say("");
    this.picked.put([]);
    this.fill("");
    try {
      await this.send(text, files);
    } catch (error) {
      if (this.key === key && this.field.value === "") {
        this.picked.put(files);
        this.fill(text, { quiet: true });
      }
      this.say(error.message);
    }
  }
}
