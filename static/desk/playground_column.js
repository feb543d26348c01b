// @ts-check
/** A column of the playground: which playbook and model answers, its answers, and the examples they were made with. */

import { el, KeyedList, setText } from "../widget/dom.js";
import { AnswerCard, money } from "./playground_answer.js";
import { likeness, summary } from "./playground_state.js";
import { fill } from "./words.js";

/** @typedef {import("./playground_state.js").Answer} Answer */
/** @typedef {import("./playground_state.js").Book} Book */
/** @typedef {import("./playground_state.js").Cell} Cell */
/** @typedef {import("./playground_state.js").Column} Column */
/** @typedef {import("./playground_state.js").Example} Example */
/** @typedef {import("./playground_state.js").LeftOut} LeftOut */
/** @typedef {import("./words.js").Words} Words */

/**
 * @typedef {object} Choices
 * @property {{ id: number, name: string, is_on: boolean }[]} routes
 * @property {{ number: number, comment: string, is_live: boolean }[]} releases
 *
 * @typedef {object} Handlers
 * @property {(change: { book?: Book, route?: number | null, without?: LeftOut[] }) => void} onChange
 * @property {() => void} onRemove
 * @property {(example: LeftOut) => void} onWithout
 * @property {(example: LeftOut) => Promise<string>} onSwitchOff what to say about it
 * @property {(column: Column) => string} promptUrl
 * @property {(answer: Answer, column: Column) => { href: string, text: string }[]} waysOn
 * @property {(id: number) => string} exampleUrl "" where it can't be edited
 */

const COMMENT_CHARS = 40;
const TEXT_CHARS = 60;
const WIDE = "(min-width: 64rem)";

/** @typedef {{ key: string, cell: Cell, column: Column, against: string | null }} Item */

export class ColumnView {
  #switched = new Map();

  /** @param {Words} words @param {Choices} choices @param {Handlers} handlers @param {boolean} mayEdit */
  constructor(words, choices, handlers, mayEdit) {
    this.words = words;
    this.handlers = handlers;
    this.mayEdit = mayEdit;
    this.title = el("h2", {});
    this.likeness = el("span", { class: "desk-tag playground-likeness" });
    this.remove = el("button", { type: "button", class: "desk-button desk-quiet playground-remove" }, "✕");
    this.book = this.#select(bookOptions(choices.releases, words));
    this.route = this.#select(routeOptions(choices.routes, words));
    this.without = el("ul", { class: "playground-without" });
    this.made = el("p", { class: "desk-hint" });
    this.summary = el("p", { class: "playground-summary" });
    this.answers = el("ol", { class: "playground-answers" });
    this.used = el("details", { class: "playground-used" });
    this.used.open = matchMedia(WIDE).matches;
    this.prompt = el("a", { class: "desk-link" }, words.prompt ?? "");
    const title = el("div", { class: "playground-title" }, this.title, this.likeness);
    const head = el("div", { class: "playground-head" }, title, this.remove);
    const chosen = el(
      "div",
      { class: "playground-chosen" },
      el("label", {}, words.playbook ?? "", this.book),
      el("label", {}, words.model ?? "", this.route),
    );
    const parts = [head, chosen, this.without, this.made, this.summary, this.answers, this.used, this.prompt];
    this.element = el("section", { class: "desk-card playground-column" }, ...parts);
    this.list = new KeyedList(this.answers, () => this.#makeCard());
    this.remove.setAttribute("aria-label", words.remove_column ?? "");
    this.remove.addEventListener("click", () => handlers.onRemove());
    this.book.addEventListener("change", () => handlers.onChange({ book: bookOf(this.book.value) }));
    this.route.addEventListener("change", () => handlers.onChange({ route: Number(this.route.value) || null }));
  }

  /** @param {Column} column @param {{ number: number, first: Column, isOnly: boolean }} place */
  show(column, { number, first, isOnly }) {
    this.remove.hidden = isOnly;
    this.book.value = String(column.book);
    this.route.value = String(column.route ?? "");
    setText(this.title, `${fill(this.words.column ?? "", { n: number })}: ${this.#name(column)}`);
    this.element.setAttribute("aria-label", this.title.textContent ?? "");
    this.#showLikeness(column === first ? "" : likeness(first.cells, column.cells));
    this.#showWithout(column);
    setText(this.made, this.#madeOf(column));
    setText(this.summary, this.#summary(column));
    this.summary.hidden = !this.summary.textContent;
    this.list.show(
      column.cells.map((cell, at) => this.#item(cell, at, { column, first })),
      "",
    );
    this.#showUsed(column);
    this.prompt.hidden = column.cells.length === 0;
    this.prompt.href = this.handlers.promptUrl(column);
  }

  /** @param {Cell} cell @param {number} at @param {{ column: Column, first: Column }} columns @returns {Item} */
  #item(cell, at, { column, first }) {
    const other = column === first ? null : (first.cells[at] ?? first.cells[0])?.answer;
    return { key: cell.key, cell, column, against: other && !other.error ? other.response : null };
  }

  /** @returns {{ element: HTMLElement, update: (item: Item) => void }} */
  #makeCard() {
    const card = new AnswerCard(this.words);
    return {
      element: card.element,
      update: ({ cell, column, against }) => {
        const label = column.cells.length > 1 ? fill(this.words.sample ?? "", { n: Number(cell.key) + 1 }) : "";
        const links = cell.answer ? this.handlers.waysOn(cell.answer, column) : [];
        card.show({ cell, made: column.made, against, label, links });
      },
    };
  }

  /** @param {Column} column */
  #name({ book, without }) {
    const name = typeof book === "number" ? fill(this.words.release ?? "", { n: book }) : (this.words[book] ?? "");
    return without.length > 0 ? `${name} (−${without.length})` : name;
  }

  /** @param {import("./playground_state.js").Likeness} code */
  #showLikeness(code) {
    this.likeness.hidden = !code;
    this.likeness.dataset.likeness = code;
    setText(this.likeness, this.words[code] ?? "");
  }

  /** @param {Column} column what is left out, with the way to make it so in the draft */
  #showWithout({ without }) {
    this.without.hidden = without.length === 0;
    const lines = without.map((example) => {
      const said = el("span", { dir: "auto" }, fill(this.words.without ?? "", { text: shortened(example.text) }));
      const back = el("button", { type: "button", class: "desk-button desk-quiet" }, this.words.put_back ?? "");
      back.addEventListener("click", () =>
        this.handlers.onChange({ without: without.filter((each) => each.id !== example.id) }),
      );
      return el("li", {}, said, back, ...(this.mayEdit ? [this.#switchOff(example)] : []));
    });
    this.without.replaceChildren(...lines);
  }

  /** @param {LeftOut} example @returns {HTMLElement} */
  #switchOff(example) {
    const told = this.#switched.get(example.id);
    if (told) return el("span", { class: "desk-hint", role: "status" }, told);
    const off = el("button", { type: "button", class: "desk-button" }, this.words.switch_off ?? "");
    off.addEventListener("click", async () => {
      off.disabled = true;
      const said = await this.handlers.onSwitchOff(example);
      if (said) {
        this.#switched.set(example.id, said);
        off.replaceWith(el("span", { class: "desk-hint", role: "status" }, said));
      }
      off.disabled = false;
    });
    return off;
  }

  /** @param {Column} column */
  #madeOf({ made }) {
    if (!made) return "";
    const { words } = this;
    const parts = [
      fill(words.made_of ?? "", { who: made.who, profile: made.profile || "–", tokens: made.tokens.toLocaleString() }),
      made.reasoning ? words.reasoning : "",
      made.turns_left_out ? fill(words.left_out ?? "", { n: made.turns_left_out }) : "",
    ];
    return parts.filter(Boolean).join(" · ");
  }

  /** @param {Column} column */
  #summary({ cells }) {
    const { words } = this;
    const all = summary(cells);
    if (cells.length < 2 || all.all < 2) return "";
    const intents = all.intents.map(([intent, count]) => `${intent} ×${count}`).join(", ");
    const parts = [
      fill(words.summary ?? "", { n: all.all }),
      intents ? fill(words.summary_intents ?? "", { list: intents }) : "",
      fill(words.summary_person ?? "", { n: all.escalated, all: all.all - all.failed }),
      all.failed ? fill(words.summary_failed ?? "", { n: all.failed }) : "",
      fill(words.summary_time ?? "", { n: (all.usualMs / 1000).toFixed(1) }),
      all.cost === null ? "" : fill(words.summary_cost ?? "", { cost: money(all.cost, all.currency) }),
    ];
    return parts.filter(Boolean).join(" · ");
  }

  /** @param {Column} column */
  #showUsed({ made }) {
    this.used.hidden = !made;
    if (!made || this.used.dataset.shown === usedKey(made)) return;
    this.used.dataset.shown = usedKey(made);
    const title = el("summary", {}, this.words.used ?? "");
    const hint = made.examples_count
      ? fill(this.words.used_hint ?? "", { n: made.examples_count })
      : this.words.used_none;
    const lines = made.examples.map((each) => this.#example(each));
    this.used.replaceChildren(title, el("p", { class: "desk-hint" }, hint ?? ""), el("ul", {}, ...lines));
  }

  /** @param {Example} example @returns {HTMLElement} */
  #example(example) {
    const { words, handlers } = this;
    const tags = [el("span", { class: "desk-tag" }, example.intent)];
    if (example.escalate) tags.push(el("span", { class: "desk-tag desk-danger" }, words.escalate ?? ""));
    if (example.action_required) tags.push(el("span", { class: "desk-tag desk-warn" }, words.action_required ?? ""));
    if (!example.is_pinned) tags.push(el("span", { class: "desk-tag" }, words.chosen ?? ""));
    tags.push(el("span", { class: "desk-hint" }, fill(words.like ?? "", { n: `${example.percent} %` })));
    const ways = el("p", { class: "playground-ways" });
    if (example.id !== null) {
      const out = el("button", { type: "button", class: "desk-button" }, words.try_without ?? "");
      out.addEventListener("click", () => handlers.onWithout({ id: example.id, text: example.customer_text }));
      ways.append(out);
      const href = handlers.exampleUrl(example.id);
      if (href) ways.append(el("a", { class: "desk-link", href }, words.edit_example ?? ""));
    }
    return el(
      "li",
      {},
      el("p", { class: "playground-tags" }, ...tags),
      el("p", { class: "playground-said", dir: "auto" }, example.customer_text),
      el("p", { class: "playground-told", dir: "auto" }, example.response),
      ways,
    );
  }

  /** @param {HTMLOptionElement[]} options */
  #select(options) {
    return el("select", {}, ...options);
  }
}

/** @param {import("./playground_state.js").Made} made what tells whether its examples are shown already */
const usedKey = (made) => made.examples.map((each) => `${each.id}:${each.percent}`).join() + made.examples_count;

/** @param {string} value @returns {Book} */
const bookOf = (value) => (value === "draft" || value === "live" ? value : Number(value));

/** @param {string} text */
const shortened = (text) => (text.length > TEXT_CHARS ? `${text.slice(0, TEXT_CHARS)}…` : text);

/** @param {Choices["releases"]} releases @param {Words} words @returns {HTMLOptionElement[]} */
function bookOptions(releases, words) {
  const live = releases.find((each) => each.is_live);
  const liveName = live ? `${words.live} (${fill(words.release ?? "", { n: live.number })})` : (words.live ?? "");
  const numbered = releases
    .filter((each) => !each.is_live)
    .map((each) => {
      const name = fill(words.release ?? "", { n: each.number });
      return option(String(each.number), [name, each.comment.slice(0, COMMENT_CHARS)].filter(Boolean).join(" "));
    });
  return [option("live", liveName), option("draft", words.draft ?? ""), ...numbered];
}

/** @param {Choices["routes"]} routes @param {Words} words @returns {HTMLOptionElement[]} */
function routeOptions(routes, words) {
  const own = routes.map((each) =>
    option(String(each.id), each.is_on ? each.name : fill(words.route_off ?? "", { name: each.name })),
  );
  return [option("", words.as_customers ?? ""), ...own];
}

/** @param {string} value @param {string} text */
const option = (value, text) => el("option", { value }, text);
