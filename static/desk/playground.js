// @ts-check
/** The playground's page: wires the question, the columns, the socket and the doors. */

import { el, setText } from "../widget/dom.js";
import { DeskLink } from "./link.js";
import { ColumnView } from "./playground_column.js";
import { Picker } from "./playground_picker.js";
import {
  addColumn,
  applyFrame,
  begin,
  changeColumn,
  firstState,
  lose,
  MAX_COLUMNS,
  removeColumn,
  sideOf,
  tryWithout,
} from "./playground_state.js";
import { post, RefusedError } from "./post.js";
import { pageData } from "./words.js";

/** @typedef {import("./playground_state.js").Column} Column */
/** @typedef {import("./playground_state.js").State} State */
/** @typedef {import("./playground_picker.js").Picked} Picked */

/**
 * @type {{ socket: string, words: import("./words.js").Words, may_edit: boolean, urls: Record<string, string>,
 *   intents: Record<string, number>, first: Picked } & import("./playground_column.js").Choices}
 */
const page = pageData("desk-page");
const { words, urls } = page;
/** @param {string} key */
const say = (key) => words[key] ?? key;

const root = /** @type {HTMLElement} */ (document.getElementById("playground"));
/** @template {HTMLElement} Kind @param {string} name @returns {Kind} */
const part = (name) => /** @type {Kind} */ (root.querySelector(`[data-${name}]`));
const form = /** @type {HTMLFormElement} */ (part("ask"));
const question = /** @type {HTMLTextAreaElement} */ (part("question"));
const locale = /** @type {HTMLSelectElement} */ (part("locale"));
const samples = /** @type {HTMLSelectElement} */ (part("samples"));
const go = /** @type {HTMLButtonElement} */ (part("go"));
const stop = part("stop");
const trouble = part("trouble");
const columns = part("columns");
const add = part("add");

/** @type {State} */
let state = firstState();
/** @type {Picked} */
let picked = { run: null, text: "", locale: "", before: [] };
/** @type {Map<number, ColumnView>} */
const views = new Map();
const link = new DeskLink(page.socket);
/** @type {(() => void) | null} what is asked once the connection is up */
let send = null;

/** @param {State} next */
function become(next) {
  const wasAsking = state.isAsking;
  state = next;
  show();
  if (wasAsking && !state.isAsking && !state.trouble) setText(part("voice"), say("asked"));
}

function show() {
  const first = /** @type {Column} */ (state.columns[0]);
  for (const [key, view] of views) {
    if (!state.columns.some((column) => column.key === key)) {
      view.element.remove();
      views.delete(key);
    }
  }
  state.columns.forEach((column, at) => {
    const view = views.get(column.key) ?? newView(column.key);
    if (columns.children[at] !== view.element) columns.insertBefore(view.element, columns.children[at] ?? null);
    view.show(column, { number: at + 1, first, isOnly: state.columns.length === 1 });
  });
  add.hidden = state.columns.length >= MAX_COLUMNS;
  stop.hidden = !state.isAsking;
  const isOut = link.status === "out";
  const why = isOut ? "signed_out" : state.trouble || (link.status === "offline" ? "offline" : "");
  setText(trouble, why ? say(why) : "");
  trouble.hidden = !why;
  go.disabled = isOut;
}

/** @param {number} key @returns {ColumnView} */
function newView(key) {
  const view = new ColumnView(
    words,
    page,
    {
      onChange: (change) => become(changeColumn(state, key, change)),
      onRemove: () => become(removeColumn(state, key)),
      onWithout: (example) => {
        const tried = tryWithout(state, key, example);
        state = tried.state;
        ask([tried.key]);
        views.get(tried.key)?.element.scrollIntoView({ block: "nearest" });
      },
      onSwitchOff: (example) => switchOff(example.id),
      promptUrl,
      waysOn,
      exampleUrl: (id) => (urls.example ?? "").replace("/0/", `/${id}/`),
    },
    Boolean(urls.switch),
  );
  views.set(key, view);
  return view;
}

/** @param {number[]} keys of the columns to ask */
function ask(keys) {
  const text = question.value.trim();
  if (!text) {
    become({ ...state, trouble: "refused_empty" });
    question.focus();
    return;
  }
  become(begin(state, keys, { question: text, samples: Number(samples.value) }));
  setText(part("voice"), say("asking"));
  send = () => {
    send = null;
    const sides = state.order.flatMap((key) => state.columns.filter((column) => column.key === key).map(sideOf));
    const asked = { question: text, locale: locale.value, run: picked.run, samples: Number(samples.value), sides };
    link.send({ type: "ask", id: state.ask, ...asked });
  };
  hurry();
}

/** Send what is to be asked, as soon as there is a connection; give it up where none is to be had. */
function hurry() {
  if (link.status === "live") send?.();
  else if (send === null || link.status !== "connecting") {
    send = null;
    become(lose(state));
  }
}

/** @param {number} id @returns {Promise<string>} what to say about it, "" where it failed */
async function switchOff(id) {
  try {
    const url = /** @type {string} */ (urls.switch).replace("/0/", `/${id}/`);
    await post(url, { on: "0" }, { failed: say("failed"), forbidden: say("forbidden") });
    return say("switched_off");
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    setText(trouble, error.message);
    trouble.hidden = false;
    return "";
  }
}

/** @param {Column} column @returns {string} */
function promptUrl(column) {
  const run = picked.run === null ? { q: column.question || question.value } : { run: String(picked.run) };
  const query = new URLSearchParams({ book: String(column.book), locale: locale.value, ...run });
  return `${urls.prompt}?${query}`;
}

/**
 * @param {import("./playground_state.js").Answer} answer @param {Column} column
 * @returns {{ href: string, text: string }[]} where to keep the answer
 */
function waysOn(answer, column) {
  const asked = { locale: locale.value || languageOf(column.question) };
  const flags = {
    ...(answer.escalate ? { escalate: "1" } : {}),
    ...(answer.action_required ? { action_required: "1" } : {}),
  };
  const ways = [];
  if (urls.add_example) {
    const intent = page.intents[answer.intent];
    const values = { customer_text: column.question, response: answer.response, ...asked, ...flags };
    const query = new URLSearchParams({ ...values, ...(intent ? { intent: String(intent) } : {}) });
    ways.push({ href: `${urls.add_example}?${query}`, text: say("as_example") });
  }
  if (urls.add_case) {
    const query = new URLSearchParams({ question: column.question, intent: answer.intent, ...asked });
    ways.push({ href: `${urls.add_case}?${query}`, text: say("as_case") });
  }
  return ways;
}

/** @param {string} text */
const languageOf = (text) => (/[\u0e01-\u0e5b]/.test(text) ? "th" : "en");

/** @param {Picked} next */
function pick(next) {
  picked = next;
  question.value = next.text;
  if (next.locale) locale.value = next.locale;
  showBefore();
  question.focus();
}

function showBefore() {
  const box = /** @type {HTMLDetailsElement} */ (part("before"));
  box.hidden = picked.run === null || picked.before.length === 0;
  setText(part("before-title"), `${say("before")} (${picked.before.length})`);
  setText(part("forget"), say("forget"));
  const lines = picked.before.map(({ sender, text }) =>
    el("li", {}, el("strong", {}, `${say(`sender_${sender}`)}: `), el("span", { dir: "auto" }, text)),
  );
  part("before-list").replaceChildren(...lines);
}

const dialog = root.querySelector("[data-picker]");
if (dialog instanceof HTMLDialogElement) {
  const doors = { questions: urls.questions ?? "", question: urls.question ?? "", onPick: pick };
  const picker = new Picker(dialog, words, doors);
  part("pick").addEventListener("click", () => picker.open());
}
form.addEventListener("submit", (event) => {
  event.preventDefault();
  ask(state.columns.map((column) => column.key));
});
question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
part("forget").addEventListener("click", () => {
  picked = { ...picked, run: null, before: [] };
  showBefore();
});
stop.addEventListener("click", () => {
  if (send) become({ ...lose(state), trouble: "" });
  send = null;
  link.send({ type: "stop" });
});
add.addEventListener("click", () => become(addColumn(state)));
link.onFrame((frame) => become(applyFrame(state, frame)));
link.onStatus(() => {
  hurry();
  show();
});
// What was typed before this script came stays.
if (page.first.text) pick(page.first);
show();
link.start();
