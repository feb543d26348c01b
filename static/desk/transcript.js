// @ts-check
/**
 * Shows what was said, as text nodes only: customers', models' and colleagues' words are never read as HTML.
 *
 * What grows while a reply is being written is not announced; each finished message is, once.
 */

import { clock, day } from "../widget/dates.js";
import { el, KeyedList, setText } from "../widget/dom.js";
import { showCorrection } from "./corrections.js";
import { timeline } from "./state.js";
import { traceOf } from "./trace.js";
import { pageLocale } from "./words.js";

/** @typedef {import("./state.js").Entry} Entry */
/** @typedef {import("./state.js").State} State */
/** @typedef {import("./words.js").Words} Words */
/** @typedef {{ element: HTMLElement, update: (entry: any) => void }} Part */

const NEAR_END_PX = 80;

export class Transcript {
  #announced = 0;
  #oldest = 0;

  /** @param {Words} words @param {{ onEarlier: () => void }} handlers */
  constructor(words, { onEarlier }) {
    this.words = words;
    this.earlier = el("button", { type: "button", class: "desk-button desk-quiet desk-earlier" }, words.earlier ?? "");
    this.empty = el("p", { class: "desk-empty" }, words.nothing_yet ?? "");
    this.items = el("ol", { class: "desk-items" });
    this.typing = el("p", { class: "desk-typing" }, words.customer_types ?? "");
    this.log = el("div", { class: "desk-log", tabindex: "0", role: "region", "aria-label": words.transcript ?? "" });
    this.log.append(this.earlier, this.empty, this.items, this.typing);
    this.jump = el("button", { type: "button", class: "desk-button desk-primary desk-jump" }, words.new_messages ?? "");
    this.voice = el("p", { class: "desk-sr", role: "log" });
    this.element = el("div", { class: "desk-transcript" }, this.log, this.jump, this.voice);
    this.list = new KeyedList(this.items, (/** @type {Entry} */ entry) => this.#make(entry));
    this.earlier.addEventListener("click", onEarlier);
    this.jump.addEventListener("click", () => this.#toEnd());
    this.log.addEventListener("scroll", () => this.#isAtEnd() && this.#hideJump());
    this.#hideJump();
  }

  /** @param {State} state @param {number} now ms */
  show(state, now) {
    const wasAtEnd = this.#isAtEnd();
    const oldHeight = this.log.scrollHeight;
    const entries = timeline(state);
    this.list.show(entries, state.head.owner);
    this.empty.hidden = entries.length > 0;
    this.earlier.hidden = !state.hasEarlier;
    this.typing.hidden = state.customerTypesUntil <= now;
    const seqs = [...state.messages.keys()];
    const [oldest, newest] = [Math.min(...seqs), Math.max(0, ...seqs)];
    const isEarlier = oldest < this.#oldest;
    this.#oldest = oldest;
    const isNew = this.#announced > 0 && newest > this.#announced;
    if (isNew) this.#announce(state, newest);
    this.#announced = Math.max(newest, this.#announced);
    if (wasAtEnd) this.#toEnd();
    else if (isEarlier) this.log.scrollTop += this.log.scrollHeight - oldHeight;
    else if (isNew) this.jump.hidden = false;
  }

  /** @param {State} state @param {number} newest seq */
  #announce(state, newest) {
    for (let seq = this.#announced + 1; seq <= newest; seq += 1) {
      const row = state.messages.get(seq);
      if (row) this.voice.append(el("span", {}, `${this.#sender(row)}: ${row.text}`));
    }
    while (this.voice.childElementCount > 10) this.voice.firstElementChild?.remove();
  }

  #isAtEnd() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_END_PX;
  }

  #toEnd() {
    this.log.scrollTop = this.log.scrollHeight;
    this.#hideJump();
  }

  #hideJump() {
    this.jump.hidden = true;
  }

  /** @param {import("./state.js").MessageRow} row */
  #sender(row) {
    return row.agent || (this.words[`sender_${row.sender}`] ?? row.sender);
  }

  /** @param {Entry} entry @returns {Part} */
  #make(entry) {
    switch (entry.kind) {
      case "message":
        return this.#makeMessage(entry.message.sender);
      case "note":
        return this.#makeNote();
      case "run":
        return this.#makeRun(entry.run);
      case "live":
        return this.#makeLive();
      case "day":
        return this.#makeDay();
    }
  }

  /** @param {string} sender @returns {Part} */
  #makeMessage(sender) {
    const meta = el("p", { class: "desk-meta" });
    const bubble = el("div", { class: "desk-bubble", dir: "auto" });
    const flags = el("p", { class: "desk-flags" });
    const trace = el("div", {});
    const correction = el("p", { class: "desk-correction" });
    const element = el("li", { class: `desk-msg desk-from-${sender}` }, meta, bubble, flags, correction, trace);
    correction.hidden = true;
    let traced = "";
    return {
      element,
      /** @param {import("./state.js").MessageEntry} entry */
      update: ({ message, run, isRead }) => {
        const read = sender === "customer" || sender === "system" ? "" : this.words[isRead ? "read" : "unread"];
        const parts = [this.#sender(message), clock(message.at, pageLocale()), read];
        setText(meta, parts.filter(Boolean).join(" · "));
        setText(bubble, message.text);
        flags.replaceChildren(...this.#flags(message));
        flags.hidden = flags.childElementCount === 0;
        if (sender === "bot") showCorrection(correction, message, this.words);
        if (run && traced !== run.outcome) trace.replaceChildren(traceOf(run, this.words));
        traced = run?.outcome ?? "";
      },
    };
  }

  /** @param {import("./state.js").MessageRow} message */
  #flags(message) {
    const flags = [];
    if (message.intent) flags.push(el("span", { class: "desk-tag" }, `${this.words.intent}: ${message.intent}`));
    if (message.action_required)
      flags.push(el("span", { class: "desk-tag desk-warn" }, this.words.action_required ?? ""));
    if (message.escalate) flags.push(el("span", { class: "desk-tag desk-danger" }, this.words.escalate ?? ""));
    if (message.stopped) flags.push(el("span", { class: "desk-tag" }, this.words.stopped ?? ""));
    return flags;
  }

  /** @returns {Part} */
  #makeNote() {
    const meta = el("p", { class: "desk-meta" });
    const bubble = el("div", { class: "desk-bubble", dir: "auto" });
    return {
      element: el("li", { class: "desk-msg desk-note" }, meta, bubble),
      /** @param {import("./state.js").NoteEntry} entry */
      update: ({ note }) => {
        setText(meta, [this.words.note, note.author, clock(note.at, pageLocale())].join(" · "));
        setText(bubble, note.text);
      },
    };
  }

  /** @param {import("./state.js").RunRow} run @returns {Part} */
  #makeRun(run) {
    const element = el("li", { class: "desk-msg desk-failed" }, traceOf(run, this.words, this.words.run_failed));
    return { element, update: () => {} };
  }

  /** @returns {Part} */
  #makeLive() {
    const meta = el("p", { class: "desk-meta" }, `${this.words.sender_bot} ${this.words.writing}`);
    const bubble = el("div", { class: "desk-bubble", dir: "auto" });
    return {
      element: el("li", { class: "desk-msg desk-from-bot desk-live" }, meta, bubble),
      /** @param {import("./state.js").LiveEntry} entry */
      update: ({ text }) => {
        setText(bubble, text);
        bubble.classList.toggle("desk-blank", !text);
      },
    };
  }

  /** @returns {Part} */
  #makeDay() {
    const element = el("li", { class: "desk-day" });
    const words = { today: this.words.today ?? "", yesterday: this.words.yesterday ?? "" };
    return {
      element,
      /** @param {import("./state.js").DayEntry} entry */
      update: ({ at }) => setText(element, day(at, { locale: pageLocale(), now: Date.now(), words })),
    };
  }
}
