// Puts the page together: one state, four panes, the address says which are open.

import {
  closeForm, openApp, openDm, postDigest, press, react, sendToChannel, sendToThread, stopSession, submitForm, useShortcut,
} from "/page/actions.js";
import { HOME, addressOf, whereIs } from "/page/address.js";
import { LOST, coalesced, follow, get } from "/page/api.js";
import { ChannelView } from "/page/channel_view.js";
import { Form } from "/page/form.js";
import { HomeView } from "/page/home_view.js";
import { listenToKeys } from "/page/keys.js";
import { firstChannel, modelOf, newestOfBot, rootOf } from "/page/model.js";
import { Panel } from "/page/panel.js";
import { Reading } from "/page/reading.js";
import { Sidebar } from "/page/sidebar.js";
import { ThreadView } from "/page/thread_view.js";

const ACTING = "acting as";

const byId = (id) => document.getElementById(id);

class Page {
  constructor(about) {
    this.about = about;
    this.model = null;
    this.panelOpen = false;
    this.digestAfter = null;
    this.reading = new Reading(byId("announcements"));
    this.sidebar = new Sidebar(byId("sidebar"), { actAs: (user) => this.actAs(user), openDm: () => this.talk() });
    this.channelView = new ChannelView(byId("channel"), {
      send: (text, files) => sendToChannel(this.model, this.channel, text, files),
      postDigest: () => this.digest(),
      togglePanel: () => this.openPanel(!this.panelOpen),
      isUnread: (root) => this.reading.unreadThread(this.model, this.channel.id, root),
    });
    this.threadView = new ThreadView(byId("thread"), {
      send: (text, files) => sendToThread(this.model, this.channel, this.thread, text, files),
    });
    this.homeView = new HomeView(byId("home"));
    this.form = new Form(byId("form"), {
      send: (values) => submitForm(this.model, values),
      close: (all) => closeForm(this.model, all),
    });
    this.panel = new Panel(byId("panel"), { close: () => this.openPanel(false), realClaude: about.real_claude });
    this.refresh = coalesced(() => this.load());
  }

  start() {
    window.addEventListener("hashchange", () => this.show());
    window.addEventListener("resize", () => this.model && this.show());
    listenToKeys(this);
    follow(() => this.refresh(), () => this.sayBanner(LOST));
    this.refresh();
  }

  async load() {
    const state = await this.stateNow();
    if (!state) return;
    this.model = modelOf(state, this.about);
    this.sayBanner(this.about.banner);
    this.goToDigest();
    this.show();
  }

  /** The state as the acting person sees it, or null; someone who is gone acts no more. */
  async stateNow() {
    const as = sessionStorage.getItem(ACTING);
    try {
      return await get(as ? `/_sim/state?as=${encodeURIComponent(as)}` : "/_sim/state");
    } catch (error) {
      this.sayBanner(error.message);
      if (!as || error.message === LOST) return null;
      sessionStorage.removeItem(ACTING);
      return this.stateNow();
    }
  }

  sayBanner(text) {
    const banner = byId("banner");
    if (banner.textContent !== text) banner.textContent = text;
    banner.classList.toggle("lost", text !== this.about.banner);
  }

  show() {
    if (!this.model) return;
    const { channel, thread, list, home } = whereIs(location.hash);
    const known = this.model.channels.get(channel ?? (list || home ? this.channel?.id : null));
    this.channel = known ?? this.model.channels.get(firstChannel(this.model));
    if (!this.channel) return;
    if (!known && !list && !home) history.replaceState(null, "", addressOf(this.channel.id));
    this.thread = known && thread && rootOf(this.model, known.id, thread) ? thread : null;
    this.atHome = home;
    this.arrange(list);
    this.model.act = this.acts();
    const width = byId(home ? "home" : "channel").clientWidth;
    this.model.chartWidth = Math.max(260, Math.min(560, width - 92));
    this.fillPanes(list);
    this.form.show(this.model);
    this.lookAtApp();
  }

  /** The bot is told each time a person turns to its Home tab or its messages. */
  lookAtApp() {
    const tab = this.atHome ? "home" : this.channel.kind === "dm" ? "messages" : null;
    const seen = tab && `${this.model.me} ${tab}`;
    if (seen && seen !== this.looked) this.attempt(() => openApp(this.model, tab));
    this.looked = seen;
  }

  /** Which panes stand, before anything is measured in them. */
  arrange(list) {
    byId("home").hidden = !this.atHome;
    byId("channel").hidden = this.atHome;
    byId("thread").hidden = !this.thread;
    byId("panel").hidden = !this.panelOpen;
    document.body.dataset.view = this.panelOpen ? "panel" : list ? "list" : this.thread ? "thread" : "channel";
  }

  fillPanes(list) {
    if (this.atHome) this.homeView.show(this.model);
    else if (!list) this.reading.look(this.model, this.channel.id, this.thread);
    this.threadView.show(this.model, this.channel, this.thread);
    this.channelView.show(this.model, this.channel, this.about.examples);
    this.sidebar.show(this.model, this.atHome ? HOME : this.channel.id, (id) => this.reading.unread(this.model, id));
    if (this.panelOpen) this.panel.show(this.model);
    const place = this.atHome ? "Home" : this.model.channelName(this.channel.id);
    document.title = `${place} · Onequeue try`;
  }

  acts() {
    const { model, channel } = this;
    return {
      threadAddress: (message) => addressOf(channel.id, message.ts),
      press: (message, pressed) => {
        const act = () => press(model, channel, message, pressed);
        return message.where ? this.tell(act) : this.attempt(act);
      },
      shortcut: (callback, message) => this.tell(() => useShortcut(model, channel, callback, message)),
      stop: (ts) => this.attempt(() => stopSession(model, channel, ts)),
      react: (message, name) => this.attempt(() => react(model, channel, message, name)),
    };
  }

  /** Does it, or says beside the composer why not. */
  async attempt(action) {
    try {
      return await action();
    } catch (error) {
      this.say(error.message);
      return null;
    }
  }

  /** Does what the app answers with nothing to read, and says Slack's line where it did not answer. */
  async tell(action) {
    this.say("");
    const done = await this.attempt(action);
    if (done?.text) this.say(done.text);
    return done;
  }

  /** A line where the person looks: in the form, on the Home tab, or beside the composer. */
  say(text) {
    if (this.form.open) this.form.say({ errors: {}, text });
    else if (this.atHome) this.homeView.say(text);
    else this.channelView.composer.say(text);
  }

  actAs(user) {
    sessionStorage.setItem(ACTING, user);
    this.refresh();
  }

  async talk() {
    const channel = await this.attempt(() => openDm(this.model));
    if (!channel) return;
    await this.load();
    location.hash = addressOf(channel);
  }

  /** Asks for the digest and goes to it when it arrives, wherever that is. */
  async digest() {
    this.digestAfter = newestOfBot(this.model).ts;
    const posted = await this.attempt(postDigest);
    if (!posted) this.digestAfter = null;
    this.refresh();
  }

  goToDigest() {
    if (this.digestAfter === null) return;
    const { channel, ts } = newestOfBot(this.model);
    if (ts <= this.digestAfter) return;
    this.digestAfter = null;
    location.hash = addressOf(channel);
  }

  openPanel(open) {
    this.panelOpen = open;
    this.channelView.toggle.setAttribute("aria-expanded", String(open));
    this.show();
    if (open) this.panel.focus();
    else this.channelView.toggle.focus();
  }

  /** Closes what was opened last; says whether there was something. */
  closeOne() {
    if (this.panelOpen) this.openPanel(false);
    else if (this.thread) {
      location.hash = addressOf(this.channel.id);
      this.channelView.composer.focus();
    } else return false;
    return true;
  }
}

const about = await get("/_try/about").catch(() => null);
if (about) new Page(about).start();
else byId("banner").textContent = LOST;
