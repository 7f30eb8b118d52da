// Channels, the bot's direct messages, and whose hands the page types with.

import { HOME, addressOf } from "/page/address.js";
import { el, icon, unseen } from "/page/dom.js";
import { listed, ownDm } from "/page/model.js";
import { avatar } from "/page/message.js";
import { reconcile } from "/page/reconcile.js";

export class Sidebar {
  constructor(root, { actAs, openDm }) {
    this.openDm = openDm;
    this.team = el("p", { class: "team" });
    this.channels = el("ul", { class: "places" });
    this.direct = el("ul", { class: "places" });
    this.face = el("span", { class: "face" });
    this.people = el("select", { id: "act-as", onchange: (event) => actAs(event.target.value) });
    root.append(
      el("div", { class: "team-line" }, el("img", { src: "/page/mark.svg", alt: "", width: 26, height: 26 }), this.team),
      el("div", { class: "scroll" },
        el("h2", {}, "Channels"), this.channels,
        el("h2", {}, "Direct messages"), this.direct),
      el("div", { class: "acting" }, this.face, el("label", { for: "act-as" }, "Act as"), this.people),
    );
  }

  show(model, here, unread) {
    this.team.textContent = model.state.team.name;
    reconcile(this.channels, listed(model).map((channel) => this.place(model, channel, here, unread)));
    const dm = ownDm(model);
    reconcile(this.direct, [dm ? this.place(model, dm, here, unread) : this.firstTalk(model), this.home(here)]);
    this.showPeople(model);
  }

  place(model, channel, here, unread) {
    const fresh = unread(channel.id);
    const current = channel.id === here;
    return {
      key: channel.id,
      signature: JSON.stringify([channel.name, channel.kind, fresh, current]),
      build: () => el("li", {}, el("a", {
        href: addressOf(channel.id),
        class: fresh ? "place fresh" : "place",
        "aria-current": current ? "page" : null,
        "data-focus": "place",
      }, this.sign(model, channel), el("span", { class: "place-name" }, model.channelName(channel.id)), fresh ? unseen("new messages") : null)),
    };
  }

  sign(model, channel) {
    if (channel.kind === "dm") return avatar(model, model.bot);
    if (channel.kind === "private") return el("span", { class: "sign" }, icon("lock"), unseen("private"));
    return el("span", { class: "sign", "aria-hidden": "true" }, "#");
  }

  firstTalk(model) {
    return {
      key: "first-talk",
      signature: model.me,
      build: () => el("li", {}, el("button", { type: "button", class: "place", "data-focus": "place", onclick: this.openDm },
        avatar(model, model.bot), el("span", { class: "place-name" }, "Onequeue"))),
    };
  }

  home(here) {
    const current = here === HOME;
    return {
      key: "home",
      signature: String(current),
      build: () => el("li", {}, el("a", { href: HOME, class: "place", "aria-current": current ? "page" : null, "data-focus": "place" },
        el("span", { class: "sign", "aria-hidden": "true" }, "⌂"), el("span", { class: "place-name" }, "Home"))),
    };
  }

  showPeople(model) {
    if (this.shownNames === model.names) return;
    this.shownNames = model.names;
    this.people.replaceChildren(...model.people.map((person) =>
      el("option", { value: person.id, selected: person.id === model.me }, person.real_name || person.name)));
    this.people.value = model.me;
    this.face.replaceChildren(avatar(model, model.me));
  }
}
