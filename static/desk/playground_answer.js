// @ts-check
/** One answer of the playground: written as it comes, then with its verdict, what it took, and the model's own words. */

import { el, setText } from "../widget/dom.js";
import { compare } from "./playground_diff.js";
import { fill } from "./words.js";

/** @typedef {import("./playground_state.js").Answer} Answer */
/** @typedef {import("./playground_state.js").Cell} Cell */
/** @typedef {import("./playground_state.js").Made} Made */
/** @typedef {import("./words.js").Words} Words */
/** @typedef {{ cell: Cell, made: Made | null, against: string | null, label: string, links: { href: string, text: string }[] }} Shown */

const COST_DIGITS = 6;

/** @param {number} amount @param {string} currency @returns {string} with no more digits than it needs */
export const money = (amount, currency) => `${amount.toFixed(COST_DIGITS).replace(/\.?0+$/, "")} ${currency}`;

export class AnswerCard {
  /** @type {Answer | null} */
  #shown = null;
  #against = "";

  /** @param {Words} words */
  constructor(words) {
    this.words = words;
    this.label = el("p", { class: "desk-meta" });
    this.bubble = el("div", { class: "desk-bubble", dir: "auto" });
    this.rest = el("div", {});
    this.element = el("li", { class: "playground-answer" }, this.label, this.bubble, this.rest);
  }

  /** @param {Shown} shown `against` is the first column's answer, where there is one to compare with */
  show({ cell, made, against, label, links }) {
    setText(this.label, label);
    this.label.hidden = !label;
    this.element.classList.toggle("desk-live", !cell.answer);
    if (!cell.answer) {
      setText(this.bubble, cell.text || this.#waiting(cell, made));
      this.bubble.classList.toggle("desk-none", !cell.text);
      this.rest.replaceChildren();
      this.#shown = null;
    } else if (this.#shown !== cell.answer || this.#against !== (against ?? "")) {
      this.#shown = cell.answer;
      this.#against = against ?? "";
      this.#settle(cell.answer, against, links);
    }
  }

  /** @param {Cell} cell @param {Made | null} made */
  #waiting(cell, made) {
    if (!cell.isBegun) return this.words.waits ?? "";
    return (made?.reasoning ? this.words.checks : this.words.writes) ?? "";
  }

  /** @param {Answer} answer @param {string | null} against @param {Shown["links"]} links */
  #settle(answer, against, links) {
    this.bubble.classList.toggle("desk-none", Boolean(answer.error));
    this.bubble.classList.toggle("playground-failed", Boolean(answer.error));
    if (answer.error) setText(this.bubble, this.#failure(answer.error));
    else this.bubble.replaceChildren(...this.#pieces(answer.response, against));
    const ways = links.map(({ href, text }) => el("a", { class: "desk-link", href }, text));
    this.rest.replaceChildren(
      this.#tags(answer),
      ...this.#notes(answer),
      el("p", { class: "desk-hint playground-took" }, this.#took(answer)),
      ...this.#raw(answer),
      el("p", { class: "playground-ways" }, ...(answer.error ? [] : ways)),
    );
  }

  /** @param {string} code */
  #failure(code) {
    return `${this.words.no_reply}: ${this.words[`error_${code}`] ?? code}`;
  }

  /** @param {string} response @param {string | null} against @returns {Node[]} */
  #pieces(response, against) {
    if (against === null || against === response) return [document.createTextNode(response)];
    return compare(against, response).map(({ text, isNew }) =>
      isNew ? el("ins", { title: this.words.new_words ?? "" }, text) : document.createTextNode(text),
    );
  }

  /** @param {Answer} answer */
  #tags(answer) {
    const tags = el("p", { class: "desk-flags playground-tags" });
    if (answer.intent) tags.append(el("span", { class: "desk-tag" }, `${this.words.intent}: ${answer.intent}`));
    if (answer.action_required)
      tags.append(el("span", { class: "desk-tag desk-warn" }, this.words.action_required ?? ""));
    if (answer.escalate) tags.append(el("span", { class: "desk-tag desk-danger" }, this.words.escalate ?? ""));
    return tags;
  }

  /** @param {Answer} answer @returns {HTMLElement[]} what code changed about it */
  #notes({ guards, repairs }) {
    const codes = [...guards.map((code) => `guard_${code}`), ...repairs.map((code) => `repair_${code}`)];
    if (codes.length === 0) return [];
    const lines = codes.map((code) => el("li", {}, this.words[code] ?? code));
    return [el("ul", { class: "playground-notes" }, ...lines)];
  }

  /** @param {Answer} answer */
  #took(answer) {
    const { words } = this;
    const parts = [
      answer.who,
      answer.first_token_ms === null
        ? ""
        : fill(words.first_words ?? "", { n: answer.first_token_ms.toLocaleString() }),
      fill(words.whole ?? "", { n: (answer.total_ms / 1000).toFixed(1) }),
      answer.prompt_tokens
        ? fill(words.tokens ?? "", {
            prompt: answer.prompt_tokens.toLocaleString(),
            cached: answer.cached_tokens.toLocaleString(),
            answer: answer.completion_tokens.toLocaleString(),
          })
        : "",
      answer.reasoning_tokens ? fill(words.thought ?? "", { n: answer.reasoning_tokens.toLocaleString() }) : "",
      answer.cost === null ? words.no_price : money(Number(answer.cost), answer.currency),
    ];
    return parts.filter(Boolean).join(" · ");
  }

  /** @param {Answer} answer @returns {HTMLElement[]} */
  #raw({ raw }) {
    if (!raw) return [];
    const text = el("pre", { class: "playground-raw", dir: "auto", tabindex: "0" }, raw);
    return [el("details", {}, el("summary", {}, this.words.raw ?? ""), text)];
  }
}
