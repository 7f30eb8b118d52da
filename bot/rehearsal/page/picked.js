// Files about to be sent with a message: chosen, listed, taken back.

import { el, icon, unseen } from "/page/dom.js";

const MOST_BYTES = 20 * 1024 * 1024;

export class Picked {
  /** `changed()` is called when there are more or fewer; `say(text)` when one is refused. */
  constructor(id, { changed, say }) {
    this.changed = changed;
    this.say = say;
    this.files = [];
    this.input = el("input", { type: "file", id: `${id}-files`, multiple: true, class: "unseen", tabindex: "-1", "aria-hidden": "true", onchange: () => this.take() });
    this.button = el("button", { type: "button", class: "tool", title: "Attach a file", onclick: () => this.input.click() }, icon("clip"), unseen("Attach a file"));
    this.list = el("ul", { class: "picked", "aria-label": "Files to send", hidden: true });
  }

  take() {
    for (const file of this.input.files) {
      if (file.size > MOST_BYTES) this.say(`${file.name} is larger than 20 MB. Choose a smaller file.`);
      else this.files.push(file);
    }
    this.input.value = "";
    this.show();
  }

  put(files) {
    this.files = [...files];
    this.show();
  }

  show() {
    this.list.hidden = this.files.length === 0;
    this.list.replaceChildren(...this.files.map((file) => el("li", { class: "chip" }, icon("file"), el("span", { class: "file-name" }, file.name),
      el("button", { type: "button", class: "tool", onclick: () => this.put(this.files.filter((other) => other !== file)) }, icon("close"), unseen(`Remove ${file.name}`)))));
    this.changed();
  }
}

/** Files as the rehearsal takes them: [{name, data}], data in base64. */
export async function packed(files) {
  return Promise.all(files.map(async (file) => ({ name: file.name, data: await inBase64(file) })));
}

function inBase64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result).split(",", 2)[1] ?? ""));
    reader.addEventListener("error", () => reject(new Error(`${file.name} could not be read. Choose it again.`)));
    reader.readAsDataURL(file);
  });
}
