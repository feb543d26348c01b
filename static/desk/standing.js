// @ts-check
/** How the conversation stands: who answers, who else is here, what may be done now, and how it got here. */

import { el, setText } from "../widget/dom.js";
import { fill, pageLocale } from "./words.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./state.js").Head} Head */
/** @typedef {import("./words.js").Words} Words */
/** @typedef {"take" | "take_over" | "hand_back" | "resolve" | "escalate"} Action */

/** @type {Record<Head["owner"] | "mine", readonly Action[]>} */
const ACTIONS = {
  bot: ["escalate", "take"],
  waiting: ["take"],
  agent: ["take_over"],
  mine: ["hand_back", "resolve"],
  resolved: ["escalate", "take"],
};
/** @type {Record<Action, string>} */
const LABELS = {
  take: "take",
  take_over: "take_over",
  hand_back: "hand_back",
  resolve: "resolve",
  escalate: "escalate_myself",
};
/** @type {Partial<Record<Action, string>>} */
const LOOKS = { take: "desk-primary", resolve: "desk-primary", take_over: "desk-quiet" };

export class Standing {
  /** @param {Words} words @param {{ user: number, onAction: (action: Action) => void }} options */
  constructor(words, { user, onAction }) {
    this.words = words;
    this.user = user;
    this.owner = el("span", { class: "desk-owner" });
    this.expect = el("span", { class: "desk-hint" });
    this.people = el("span", { class: "desk-people", role: "status" });
    this.link = el("span", { class: "desk-link-state", role: "status" });
    this.buttons = el("div", { class: "desk-actions" });
    this.alert = el("p", { class: "desk-alert", role: "alert" });
    const line = el("div", { class: "desk-standing" }, this.owner, this.people, this.link, this.buttons);
    this.lost = el("p", { class: "desk-lost desk-warn", role: "status" });
    this.element = el("div", {}, line, this.expect, this.lost, this.alert);
    this.actions = new Map(
      /** @type {Action[]} */ (["escalate", "hand_back", "resolve", "take", "take_over"]).map((action) => {
        const button = el("button", { type: "button", class: `desk-button ${LOOKS[action] ?? ""}` });
        button.addEventListener("click", () => onAction(action));
        this.buttons.append(button);
        return [action, button];
      }),
    );
    this.complain("");
  }

  /** @param {string} message for the agent; "" takes it back */
  complain(message) {
    setText(this.alert, message);
    this.alert.hidden = !message;
  }

  /** @param {State} state @param {boolean} isBusy */
  show(state, isBusy) {
    const { head } = state;
    const who = head.owner === "agent" && head.is_mine ? "mine" : head.owner;
    setText(this.owner, fill(this.words[`owner_${who}`] ?? "", { agent: head.agent }));
    this.owner.dataset.owner = who;
    setText(this.expect, head.expect?.message ?? "");
    this.expect.hidden = !head.expect;
    for (const [action, button] of this.actions) {
      setText(button, fill(this.words[LABELS[action]] ?? action, { agent: head.agent }));
      button.hidden = !head.can_answer || !ACTIONS[who].includes(action);
      // Whoever holds it must be known before anybody can take it from them; the rows tell a moment after the frame.
      button.disabled = isBusy || (action === "take_over" && head.agent_id === null);
    }
    setText(this.lost, state.lostTo ? fill(this.words.taken_from_me ?? "", { agent: state.lostTo }) : "");
    this.#showPeople(state);
  }

  /** @param {State} state */
  #showPeople(state) {
    const others = state.people.filter((person) => person.user !== this.user);
    const lines = [
      ["types", others.filter((person) => person.is_typing)],
      ["views", others.filter((person) => !person.is_typing)],
    ];
    const texts = lines
      .filter(([, people]) => people && people.length > 0)
      .map(([key, people]) => {
        const names = /** @type {import("./state.js").Person[]} */ (people).map((person) => person.name).join(", ");
        return fill(this.words[String(key)] ?? "", { names });
      });
    setText(this.people, texts.join(" · "));
  }
}

/** The times this conversation was handed to people, and what the customer thought of it. */
export class History {
  /** @param {Words} words */
  constructor(words) {
    this.words = words;
    this.list = el("ol", { class: "desk-history" });
    this.none = el("p", { class: "desk-empty" }, words.history_none ?? "");
    this.rating = el("p", { class: "desk-rating", dir: "auto" });
    const title = el("h2", {}, words.history ?? "");
    this.element = el("section", { class: "desk-card" }, title, this.list, this.none, this.rating);
  }

  /** @param {State} state */
  show({ escalations, head }) {
    this.none.hidden = escalations.length > 0;
    this.list.replaceChildren(...escalations.map((row) => this.#row(row)));
    this.rating.hidden = head.rating === null;
    const stars = "★".repeat(head.rating ?? 0) + "☆".repeat(5 - (head.rating ?? 0));
    setText(this.rating, `${this.words.rating}: ${stars} ${head.rating_comment}`);
  }

  /** @param {import("./state.js").EscalationRow} row */
  #row(row) {
    const item = el("li", {}, el("strong", {}, row.reason));
    if (row.detail) item.append(el("span", { class: "desk-detail", dir: "auto" }, row.detail));
    const taken = fill(this.words.taken ?? "", { agent: row.taken_by });
    for (const [name, at] of /** @type {const} */ ([
      [this.words.opened ?? "", row.opened_at],
      [taken, row.taken_at],
      [this.words.closed ?? "", row.closed_at],
    ])) {
      if (at) item.append(el("span", { class: "desk-hint" }, `${name} ${moment(at)}`));
    }
    return item;
  }
}

/** @param {string} at ISO 8601 @returns {string} date and time as the page's language writes them */
export function moment(at) {
  const locale = pageLocale() === "th" ? "th-TH" : "en-GB";
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
}
