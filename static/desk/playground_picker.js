// @ts-check
/** Finds a question that a customer really asked: a dialog with a search over conversations. */

import { clock, day } from "../widget/dates.js";
import { el } from "../widget/dom.js";
import { pageLocale } from "./words.js";

/** @typedef {import("./words.js").Words} Words */
/** @typedef {{ id: string, text: string, at: string, locale: string, run: number | null, outcome: string }} Row */
/** @typedef {{ run: number | null, text: string, locale: string, before: { sender: string, text: string }[] }} Picked */

const PAUSE_MS = 250;

export class Picker {
  #asked = 0;
  /** @type {number | null} */
  #before = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {HTMLDialogElement} dialog @param {Words} words
   * @param {{ questions: string, question: string, onPick: (picked: Picked) => void }} doors
   */
  constructor(dialog, words, { questions, question, onPick }) {
    this.dialog = dialog;
    this.words = words;
    this.questions = questions;
    this.question = question;
    this.onPick = onPick;
    this.search = /** @type {HTMLInputElement} */ (dialog.querySelector("[data-picker-words]"));
    this.list = /** @type {HTMLElement} */ (dialog.querySelector("[data-picker-list]"));
    this.more = /** @type {HTMLButtonElement} */ (dialog.querySelector("[data-picker-more]"));
    this.more.textContent = words.more ?? "";
    this.search.addEventListener("input", () => this.#soon());
    this.more.addEventListener("click", () => void this.#load(this.#before));
    dialog.querySelector("[data-picker-close]")?.addEventListener("click", () => dialog.close());
  }

  /** Show the newest questions. */
  open() {
    this.dialog.showModal();
    void this.#load(null);
  }

  #soon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#load(null), PAUSE_MS);
  }

  /** @param {number | null} before where to go on; null: from the newest */
  async #load(before) {
    this.#asked += 1;
    const asked = this.#asked;
    const query = new URLSearchParams({ q: this.search.value, ...(before ? { before: String(before) } : {}) });
    const found = await fetched(`${this.questions}?${query}`);
    // A slower answer to an older search must not replace a newer one.
    if (asked !== this.#asked) return;
    if (!found) {
      this.list.replaceChildren(el("li", { class: "desk-alert" }, this.words.failed ?? ""));
      return;
    }
    const lines = found.questions.map((/** @type {Row} */ row) => this.#line(row));
    if (before === null) this.list.replaceChildren();
    this.list.append(...lines);
    if (this.list.childElementCount === 0)
      this.list.append(el("li", { class: "desk-empty" }, this.words.none_found ?? ""));
    this.#before = found.before;
    this.more.hidden = found.before === null;
  }

  /** @param {Row} row @returns {HTMLElement} */
  #line(row) {
    const locale = pageLocale();
    const words = { today: this.words.today ?? "", yesterday: this.words.yesterday ?? "" };
    const when = `${day(row.at, { locale, now: Date.now(), words })} ${clock(row.at, locale)}`;
    const note = row.run === null ? (this.words.no_reply_yet ?? "") : "";
    const meta = el("span", { class: "desk-meta" }, [when, note].filter(Boolean).join(" · "));
    const button = el(
      "button",
      { type: "button", class: "playground-row" },
      el("span", { dir: "auto" }, row.text),
      meta,
    );
    button.addEventListener("click", () => void this.#pick(row));
    return el("li", {}, button);
  }

  /** @param {Row} row */
  async #pick(row) {
    /** @type {Picked | null} */
    const picked =
      row.run === null
        ? { run: null, text: row.text, locale: row.locale, before: [] }
        : await fetched(this.question.replace("/0/", `/${row.run}/`));
    if (!picked) return;
    this.dialog.close();
    this.onPick(picked);
  }
}

/** @param {string} url @returns {Promise<any>} the data, null where there is none to be had */
async function fetched(url) {
  const response = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
  return response?.ok && !response.redirected ? response.json().catch(() => null) : null;
}
