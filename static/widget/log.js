// @ts-check
/**
 * The conversation on the screen: days, bubbles, lines, rating. Stays at the newest words unless the reader scrolled
 * away, and says a finished reply once to screen readers (never the pieces of a growing one).
 *
 * @import { Locale, State } from "./types.js"
 * @import { Day, Item, Line } from "./timeline.js"
 * @import { Words } from "./words.js"
 */

import { makeBubble, makeTyping, nameOf } from "./bubble.js";
import { day } from "./dates.js";
import { byId, el, KeyedList, setText } from "./dom.js";
import { makeRating } from "./rating.js";
import { timeline } from "./timeline.js";

/**
 * @typedef {object} Context What the parts' looks and deeds depend on besides their item.
 * @property {Words} words
 * @property {Locale} locale
 * @property {boolean} isCalm less motion was asked for
 * @property {(clientId: string) => void} onRetry
 * @property {(score: number, comment: string) => void} onRate
 */

/**
 * @template Kind
 * @typedef {{ element: HTMLElement, update: (item: Kind) => void }} Part
 */

const NEAR_PX = 80;

export class Log {
  #scroller = byId("log", HTMLElement);
  #latest = byId("latest", HTMLButtonElement);
  #announcer = byId("announcer", HTMLElement);
  #isFollowing = true;
  #announced = 0;
  /** @type {Context} */
  #context;

  /** @param {Context} context */
  constructor(context) {
    this.#context = context;
    this.list = new KeyedList(byId("items", HTMLElement), (/** @type {Item} */ item) => this.#make(item));
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#latest.addEventListener("click", () => this.follow());
    const sizes = new ResizeObserver(() => this.#isFollowing && this.#toEnd());
    for (const element of [this.#scroller, this.list.parent]) sizes.observe(element);
  }

  /** @param {State} state @param {{ greeting: string, words: Words }} options */
  show(state, { greeting, words }) {
    this.#context = { ...this.#context, words, locale: state.locale };
    this.#scroller.setAttribute("aria-label", words.log);
    setText(this.#latest, words.latest);
    this.list.show(timeline(state, { greeting, now: Date.now() }), state.locale + new Date().toDateString());
    if (this.#isFollowing) this.#toEnd();
    this.#announce(state);
  }

  /** Go to the newest words and stay there. */
  follow() {
    this.#isFollowing = true;
    this.#latest.hidden = true;
    this.#toEnd();
  }

  #toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#isFollowing = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    this.#latest.hidden = this.#isFollowing;
  }

  /** @param {State} state */
  #announce({ news, messages }) {
    if (!news || news.key === this.#announced) return;
    this.#announced = news.key;
    const agent = messages.at(-1)?.agent ?? "";
    const who = news.sender === "system" ? "" : `${nameOf(this.#context, { sender: news.sender, agent })}: `;
    this.#announcer.replaceChildren(el("p", {}, who + news.text));
  }

  /** @param {Item} item @returns {Part<Item>} */
  #make(item) {
    const context = () => this.#context;
    switch (item.kind) {
      case "bubble":
        return any(makeBubble(context, item));
      case "typing":
        return any(makeTyping(context));
      case "rating":
        return any(makeRating(context));
      case "day":
        return any(makeDay(context));
      case "system":
        return any(makeLine());
    }
  }
}

/**
 * A key belongs to one kind for ever, so a part only ever meets the kind it was made for.
 *
 * @template {Item} Kind
 * @param {Part<Kind>} part
 * @returns {Part<Item>}
 */
const any = (part) => ({ element: part.element, update: (item) => part.update(/** @type {Kind} */ (item)) });

/** @param {() => Context} context @returns {Part<Day>} */
function makeDay(context) {
  const element = el("p", { class: "day" });
  const update = (/** @type {Day} */ { at }) => setText(element, day(at, { ...context(), now: Date.now() }));
  return { element, update };
}

/** @returns {Part<Line>} */
function makeLine() {
  const element = el("p", { class: "line", dir: "auto" });
  return { element, update: ({ text }) => setText(element, text) };
}
