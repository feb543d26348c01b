// @ts-check
/**
 * Where agents write: to the customer or a note. The text stays until the server says that it is stored.
 *
 * Enter sends (Shift+Enter: a new line); with a touch keyboard Enter is a new line. Ctrl+Enter always sends.
 */

import { characters } from "../widget/characters.js";
import { el, setText } from "../widget/dom.js";
import { RefusedError } from "./post.js";
import { fill } from "./words.js";

/** @typedef {"reply" | "note"} Mode */
/** @typedef {import("./state.js").Head} Head */
/** @typedef {import("./words.js").Words} Words */
/** @typedef {import("./drafts.js").Drafts} Drafts */

const MAX_CHARS = 4000;
const TYPING_EVERY_MS = 3000;

/**
 * @typedef {object} Handlers
 * @property {(mode: Mode, text: string, submitId: string) => Promise<void>} onSend throws RefusedError
 * @property {(on: boolean, mode: Mode) => void} onTyping
 */

export class Composer {
  /** @type {Mode} */
  #mode = "reply";
  #isSending = false;
  #typedAt = 0;
  /** @type {Head | null} */
  #head = null;

  /** @param {Words} words @param {Drafts} drafts @param {Handlers} handlers */
  constructor(words, drafts, handlers) {
    this.words = words;
    this.drafts = drafts;
    this.handlers = handlers;
    this.tabs = { reply: this.#tab("reply"), note: this.#tab("note") };
    this.area = el("textarea", { class: "desk-area", rows: "1", dir: "auto" });
    this.button = el("button", { type: "submit", class: "desk-button desk-primary" });
    this.hint = el("span", { class: "desk-hint" });
    this.alert = el("p", { class: "desk-alert", role: "alert" });
    const tabs = el("div", { class: "desk-tabs", role: "group", "aria-label": words.write ?? "" });
    tabs.append(this.tabs.reply, this.tabs.note);
    const top = el("div", { class: "desk-composer-top" }, tabs, this.hint);
    const line = el("div", { class: "desk-composer-line" }, this.area, this.button);
    this.element = el("form", { class: "desk-composer" }, this.alert, top, line);
    this.#listen();
    this.complain("");
    this.#open("reply");
  }

  /** @param {string} message for the agent; "" takes it back */
  complain(message) {
    setText(this.alert, message);
    this.alert.hidden = !message;
  }

  /** @param {Head} head */
  show(head) {
    const isFirst = this.#head === null;
    this.#head = head;
    this.element.hidden = !head.can_answer;
    // Only once, at the beginning: later the mode is the agent's own, whatever happens to the conversation. Words meant
    // for colleagues must never find themselves in the customer's box, or the other way round.
    if (isFirst && this.#isTaken()) this.#open("note");
    this.#dress();
  }

  /** @returns {boolean} whether a colleague answers, so that only notes can be written */
  #isTaken() {
    return this.#head?.owner === "agent" && !this.#head.is_mine;
  }

  /** @param {Mode} mode */
  #tab(mode) {
    const tab = el("button", { type: "button", class: "desk-tab" }, this.words[`tab_${mode}`] ?? mode);
    tab.addEventListener("click", () => this.#open(mode));
    return tab;
  }

  #listen() {
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#send();
    });
    this.area.addEventListener("input", () => this.#typed());
    this.area.addEventListener("keydown", (event) => this.#key(event));
    this.area.addEventListener("blur", () => this.#stopTyping());
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Enter" || event.isComposing) return;
    const isTouch = matchMedia("(pointer: coarse)").matches;
    if (event.ctrlKey || event.metaKey || !(event.shiftKey || isTouch)) {
      event.preventDefault();
      void this.#send();
    }
  }

  #typed() {
    this.drafts.keep(this.#mode, this.area.value);
    this.#dress();
    if (Date.now() - this.#typedAt < TYPING_EVERY_MS) return;
    this.#typedAt = Date.now();
    this.handlers.onTyping(true, this.#mode);
  }

  #stopTyping() {
    if (this.#typedAt === 0) return;
    this.#typedAt = 0;
    this.handlers.onTyping(false, this.#mode);
  }

  /** @param {Mode} mode */
  #open(mode) {
    if (this.#isSending) return;
    this.#stopTyping();
    this.#mode = mode;
    for (const name of /** @type {const} */ (["reply", "note"])) {
      this.tabs[name].setAttribute("aria-pressed", String(name === mode));
    }
    this.area.value = this.drafts.read(mode).text;
    this.complain("");
    this.#dress();
  }

  /** Make everything look as the mode, the text and the owner ask for. */
  #dress() {
    const over = characters(this.area.value.trim()) - MAX_CHARS;
    const placeholder = this.#isTaken() ? "placeholder_taken" : `placeholder_${this.#mode}`;
    this.area.placeholder = fill(this.words[placeholder] ?? "", { agent: this.#head?.agent ?? "" });
    this.area.setAttribute("aria-label", this.words[`tab_${this.#mode}`] ?? "");
    this.element.dataset.mode = this.#mode;
    setText(this.button, this.words[this.#isSending ? "sending" : this.#label()] ?? "");
    this.button.disabled = this.#isSending || !this.area.value.trim() || over > 0 || !this.#mayWrite();
    setText(this.hint, over > 0 ? fill(this.words.too_long ?? "", { count: over }) : (this.words.hint ?? ""));
    this.hint.classList.toggle("desk-over", over > 0);
    this.area.style.height = "auto";
    this.area.style.height = `${Math.min(this.area.scrollHeight + 2, innerHeight / 3)}px`;
  }

  #mayWrite() {
    return this.#mode === "note" || !this.#isTaken();
  }

  #label() {
    if (this.#mode === "note") return "add_note";
    return this.#head?.owner === "agent" ? "send" : "take_and_send";
  }

  async #send() {
    const mode = this.#mode;
    const text = this.area.value.trim();
    if (this.button.disabled || this.#isSending || !text) return;
    this.#isSending = true;
    this.area.readOnly = true;
    this.complain("");
    this.#dress();
    try {
      await this.handlers.onSend(mode, text, this.drafts.submitId(mode, text));
      this.drafts.clear(mode);
      this.area.value = "";
      this.#stopTyping();
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      this.complain(error.message);
    } finally {
      this.#isSending = false;
      this.area.readOnly = false;
      this.#dress();
    }
  }
}
