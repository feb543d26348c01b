// @ts-check
/**
 * Where the customer writes. Enter sends, Shift+Enter makes a line; an input method that is still composing a word is
 * never interrupted.
 *
 * @import { Words } from "./words.js"
 */

import { characters } from "./characters.js";
import { byId, setText } from "./dom.js";

const NEAR_LIMIT = 0.8;
const TYPING_EVERY_MS = 3000;

/**
 * @typedef {object} ComposerHandlers
 * @property {(text: string) => void} onSend
 * @property {(isTyping: boolean) => void} onTyping
 * @property {(text: string) => void} onDraft
 */

export class Composer {
  #form = byId("composer", HTMLFormElement);
  #text = byId("text", HTMLTextAreaElement);
  #send = byId("send", HTMLButtonElement);
  #counter = byId("counter", HTMLElement);
  #maxChars = Number.POSITIVE_INFINITY;
  #toldTypingAt = 0;
  /** @type {Words | null} */
  #words = null;

  /** @param {ComposerHandlers} handlers */
  constructor(handlers) {
    this.handlers = handlers;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#text.addEventListener("input", () => this.#changed());
    this.#text.addEventListener("blur", () => this.#tellTyping(false));
    this.#text.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** @param {{ words: Words, maxChars: number }} options */
  show({ words, maxChars }) {
    if (this.#words === words && this.#maxChars === maxChars) return;
    this.#words = words;
    this.#maxChars = maxChars;
    this.#text.placeholder = words.placeholder;
    this.#text.setAttribute("aria-label", words.message);
    this.#send.setAttribute("aria-label", words.send);
    this.#measure();
  }

  /** @param {string} text */
  fill(text) {
    this.#text.value = text;
    this.#changed();
  }

  focus() {
    this.#text.focus();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    // 229: Safari ends the composition before it tells of the key that ended it.
    const isComposing = event.isComposing || event.keyCode === 229;
    if (event.key !== "Enter" || event.shiftKey || isComposing) return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const text = this.#text.value.trim();
    if (!text || characters(text) > this.#maxChars) return;
    this.handlers.onSend(text);
    this.#tellTyping(false);
    this.fill("");
    this.focus();
  }

  #changed() {
    this.#measure();
    this.handlers.onDraft(this.#text.value);
    if (this.#text.value && document.activeElement === this.#text) this.#tellTyping(true);
  }

  #measure() {
    // Where the browser can't size a field by its content.
    if (!CSS.supports("field-sizing", "content")) {
      this.#text.style.height = "auto";
      this.#text.style.height = `${this.#text.scrollHeight}px`;
    }
    const used = characters(this.#text.value.trim());
    const over = used - this.#maxChars;
    this.#send.disabled = used === 0 || over > 0;
    this.#counter.hidden = used < this.#maxChars * NEAR_LIMIT;
    this.#counter.classList.toggle("over", over > 0);
    if (this.#words && !this.#counter.hidden) {
      setText(this.#counter, over > 0 ? this.#words.tooLongNow(over) : this.#words.left(used, this.#maxChars));
    }
  }

  /** @param {boolean} isTyping */
  #tellTyping(isTyping) {
    const now = Date.now();
    if (isTyping ? now - this.#toldTypingAt < TYPING_EVERY_MS : this.#toldTypingAt === 0) return;
    this.#toldTypingAt = isTyping ? now : 0;
    this.handlers.onTyping(isTyping);
  }
}
