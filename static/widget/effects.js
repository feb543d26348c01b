// @ts-check
/**
 * What follows from a change of the panel's state: frames go out, the outbox goes to disk, the shop's page is told.
 * Decides nothing itself; the reducer does.
 *
 * @import { Action, Locale, Rating, State } from "./types.js"
 * @import { Note } from "./bridge.js"
 * @import { PanelData } from "./panel.js"
 * @import { Storage } from "./storage.js"
 */

import { Connection } from "./connection.js";
import { notes } from "./notes.js";
import { drop, keep, save, unconfirmed } from "./outbox.js";
import { nextToSend } from "./reducer.js";
import { expireSession, keptSession, newSession, SessionError, subjectOf } from "./session.js";
import { browserStorage, memoryStorage, readJson, within } from "./storage.js";

const ACK_WITHIN_MS = 20_000;
const CALM_AFTER_MS = 4000;
const TICK_MS = 1000;
const VISITOR = "visitor:";

export class Effects {
  /** @type {string | null} */
  #identity = null;
  #isStarted = false;
  #slot = VISITOR;
  /** @type {Storage} */
  #tabs;
  /** @type {Storage} */
  #thisTab;
  /** @type {Storage} this customer's things */
  #own;
  /** @type {Storage} where this customer's token is kept */
  #tokens;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #calm;
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  #acks = new Map();

  /**
   * @param {object} parts
   * @param {PanelData} parts.data
   * @param {(action: Action) => void} parts.dispatch
   * @param {() => State} parts.state
   * @param {(note: Note) => void} parts.tell
   */
  constructor({ data, dispatch, state, tell }) {
    this.data = data;
    this.dispatch = dispatch;
    this.state = state;
    this.tell = tell;
    const prefix = `csbot:${data.site}:`;
    this.#tabs = within(browserStorage("localStorage"), prefix);
    this.#thisTab = within(browserStorage("sessionStorage"), prefix);
    this.#own = this.#tokens = within(this.#tabs, VISITOR);
    this.connection = new Connection(location.origin.replace(/^http/, "ws") + data.socket, {
      hello: () => this.#hello(),
      onFrame: (frame) => dispatch({ type: "frame", frame, now: Date.now() }),
      onStatus: (status) => dispatch({ type: status }),
      onTrouble: (error) => this.#trouble(error),
      onRefused: () => expireSession(this.#tokens),
    });
    addEventListener("storage", () => this.#lookAtDisk());
    document.addEventListener("visibilitychange", () => this.#see());
    setInterval(() => this.#tick(), TICK_MS);
  }

  /** Take up what the last visit left: language, unsent messages, wishes; connect if there is a conversation. */
  restore() {
    const chosen = this.#tabs.get("locale");
    if (chosen === "th" || chosen === "en") this.dispatch({ type: "locale", locale: chosen });
    this.dispatch({ type: "seen", seq: Number(this.#own.get("read")) || 0 });
    this.#lookAtDisk();
    const rating = readJson(this.#own, "rating");
    if (rating) this.dispatch({ type: "rated", rating: /** @type {Rating} */ (rating) });
    if (this.#own.get("human")) this.dispatch({ type: "want_human" });
    if (keptSession(this.#tokens, Date.now())) this.start();
  }

  /** Connect, from now on. */
  start() {
    this.#isStarted = true;
    this.connection.start();
  }

  /** @param {string} text what stands in the composer, so that a reload doesn't lose it */
  keepDraft(text) {
    if (text) this.#own.set("draft", text);
    else this.#own.remove("draft");
  }

  /** @returns {string} */
  draft() {
    return this.#own.get("draft") ?? "";
  }

  /** @param {string | null} identity a JWT by the shop, or null: the customer left */
  identify(identity) {
    const slot = identity ? `customer:${subjectOf(identity)}:` : VISITOR;
    // Whoever wrote before the shop said who it was is the same person.
    const unsent = this.#identity ? [] : unconfirmed(this.#own);
    for (const { clientId } of unsent) drop(this.#own, clientId);
    if (this.#identity && slot !== this.#slot) this.#leaveNothing();
    this.connection.stop();
    // What follows from the reset concerns nobody's things.
    this.#own = memoryStorage();
    this.dispatch({ type: "reset" });
    this.#identity = identity;
    this.#slot = slot;
    this.#own = within(this.#tabs, slot);
    this.#tokens = identity ? within(this.#thisTab, slot) : this.#own;
    for (const pending of unsent) keep(this.#own, pending);
    const wasStarted = this.#isStarted;
    this.restore();
    if (wasStarted) this.start();
  }

  /** A known customer left, perhaps a shared computer. */
  #leaveNothing() {
    for (const storage of [this.#own, this.#tokens]) {
      for (const key of storage.keys()) storage.remove(key);
    }
  }

  /** @param {Locale} locale the shop's page changed its language */
  speak(locale) {
    this.#tabs.remove("locale");
    this.#changeLanguage(locale);
  }

  /** @param {Locale} locale the customer chose */
  chooseLanguage(locale) {
    this.#tabs.set("locale", locale);
    this.#changeLanguage(locale);
  }

  /** @param {Locale} locale */
  #changeLanguage(locale) {
    if (locale === this.state().locale) return;
    this.dispatch({ type: "locale", locale });
    this.connection.restart();
  }

  /** @param {State} before @param {State} after */
  follow(before, after) {
    if (before.outbox !== after.outbox) save(this.#own, { before: before.outbox, after: after.outbox });
    if (before.gaps !== after.gaps) this.connection.restart();
    this.#keep(before, after);
    this.#send(after);
    this.#see();
    for (const note of notes(before, after)) this.tell(note);
    if (after.notice !== before.notice || after.isBack !== before.isBack) this.#calmSoon();
  }

  /** @param {State} before @param {State} after */
  #keep(before, after) {
    if (before.readSeq !== after.readSeq) this.#own.set("read", String(after.readSeq));
    if (before.human !== after.human) {
      if (after.human === "none") this.#own.remove("human");
      else this.#own.set("human", "wanted");
    }
    if (before.rating !== after.rating && after.rating) this.#own.set("rating", JSON.stringify(after.rating));
  }

  /** @param {State} state */
  #send(state) {
    const next = nextToSend(state);
    if (next && this.connection.send({ type: "send", client_id: next.clientId, text: next.text })) {
      this.dispatch({ type: "sending", clientId: next.clientId });
      this.#expectAck(next.clientId);
    }
    if (state.link !== "online") return;
    if (state.human === "wanted" && this.connection.send({ type: "ask_human" })) this.dispatch({ type: "asked_human" });
    const { rating } = state;
    if (rating?.status !== "queued" || rating.epoch !== state.owner.epoch) return;
    if (this.connection.send({ type: "rate", score: rating.score, comment: rating.comment })) {
      this.dispatch({ type: "rated", rating: { ...rating, status: "sent" } });
    }
  }

  /** @param {string} clientId */
  #expectAck(clientId) {
    clearTimeout(this.#acks.get(clientId));
    const overdue = () => {
      this.#acks.delete(clientId);
      const isSending = this.state().outbox.some((item) => item.clientId === clientId && item.status === "sending");
      if (isSending) this.dispatch({ type: "overdue", clientId });
    };
    this.#acks.set(clientId, setTimeout(overdue, ACK_WITHIN_MS));
  }

  /** Note what the customer can see, and tell the server. */
  #see() {
    const { isOpen, afterSeq, readSeq, link } = this.state();
    if (!isOpen || document.visibilityState !== "visible" || link !== "online" || afterSeq <= readSeq) return;
    this.dispatch({ type: "seen", seq: afterSeq });
    this.connection.send({ type: "read", seq: afterSeq });
  }

  #calmSoon() {
    clearTimeout(this.#calm);
    this.#calm = setTimeout(() => this.dispatch({ type: "calm" }), CALM_AFTER_MS);
  }

  #tick() {
    const { typing, outbox } = this.state();
    const now = Date.now();
    const isDue = (typing && typing.until <= now) || outbox.some((item) => item.retryAt && item.retryAt <= now);
    if (isDue) this.dispatch({ type: "tick", now });
  }

  /** Another tab may have written, or sent, something. */
  #lookAtDisk() {
    this.dispatch({ type: "restore", pending: unconfirmed(this.#own) });
  }

  async #hello() {
    const session = await this.#session();
    const { locale, afterSeq, conversation } = this.state();
    const known = session.conversation === conversation ? afterSeq : 0;
    return { type: "hello", v: 1, token: session.token, after_seq: known, locale };
  }

  /** Two tabs that open together must not become two visitors, so only one at a time may ask for a session. */
  async #session() {
    const find = async () => keptSession(this.#tokens, Date.now()) ?? (await this.#newSession());
    return navigator.locks ? navigator.locks.request(`csbot:${this.data.site}:session`, find) : find();
  }

  #newSession() {
    const { sessions: url, site } = this.data;
    return newSession(this.#tokens, { url, site, locale: this.state().locale, identity: this.#identity });
  }

  /** @param {unknown} error @returns {{ isFinal: boolean, retryAfter: number }} */
  #trouble(error) {
    if (!(error instanceof SessionError)) return { isFinal: false, retryAfter: 0 };
    this.tell({ type: "error", code: error.code });
    if (error.isFinal) this.dispatch({ type: "refused", code: error.code });
    // The shop's proof is wrong or too old: the customer can still be helped, as a visitor.
    if (error.code === "identity" && this.#identity) setTimeout(() => this.identify(null));
    return { isFinal: error.isFinal, retryAfter: error.retryAfter };
  }
}
