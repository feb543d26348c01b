// @ts-check
/** The queue page: who waits, what I have, what colleagues have. Follows the server without a reload. */

import { clock } from "../widget/dates.js";
import { el, KeyedList, setText } from "../widget/dom.js";
import { link, onQueue, page } from "./everywhere.js";
import { post, RefusedError } from "./post.js";
import { isSoundOn, setSound } from "./sound.js";
import { duration, fill, pageData, pageLocale } from "./words.js";

/** @typedef {import("./everywhere.js").Queue} Queue */
/** @typedef {import("./everywhere.js").QueueRow} QueueRow */
/** @typedef {QueueRow & { key: string, section: Section, canAnswer: boolean }} Card */
/** @typedef {"waiting" | "mine" | "others"} Section */

const words = page.words;
/** @type {readonly Section[]} */
const SECTIONS = ["waiting", "mine", "others"];

/** @param {string} key */
const say = (key) => words[key] ?? key;

const root = /** @type {HTMLElement} */ (document.getElementById("queue"));
const alert = /** @type {HTMLElement} */ (root.querySelector("[data-alert]"));
const linkState = /** @type {HTMLElement} */ (root.querySelector("[data-link-state]"));
const soundButton = /** @type {HTMLButtonElement} */ (root.querySelector("[data-sound]"));
const live = el("p", { class: "desk-sr", role: "status" });

/** The server's clock minus this browser's, in ms: waiting times must be right on a phone whose clock is wrong. */
let skew = 0;
let shownAt = "";
let lastCount = -1;

const sections = Object.fromEntries(SECTIONS.map((name) => [name, section(name)]));

/** @param {Section} name */
function section(name) {
  const count = el("span", { class: "desk-count" });
  const list = el("ul", { class: "desk-cards" });
  const empty = el("p", { class: "desk-empty" }, say(name === "waiting" ? "nobody_waits" : `${name}_none`));
  const more = el("p", { class: "desk-more" });
  const title = el("h2", { id: `section-${name}` }, say(name), " ", count);
  const box = el("section", { class: `desk-section desk-${name}`, "aria-labelledby": `section-${name}` });
  box.append(title, list, empty, more);
  root.querySelector("[data-sections]")?.append(box);
  return { count, empty, more, list: new KeyedList(list, makeCard) };
}

/** @param {Card} first */
function makeCard(first) {
  const parts = {
    name: el("a", { class: "desk-name", href: first.url }),
    locale: el("span", { class: "desk-tag" }),
    reason: el("span", { class: "desk-tag desk-reason", "data-reason": first.reason_code }),
    who: el("span", { class: "desk-who" }),
    time: el("time", { class: "desk-time" }),
    words: el("p", { class: "desk-words", dir: "auto" }),
    detail: el("p", { class: "desk-detail", dir: "auto" }),
  };
  const take = el("button", { type: "button", class: "desk-button desk-primary" }, say("take"));
  const open = el("a", { class: "desk-button", href: first.url }, say("open"));
  const head = el("div", { class: "desk-card-head" }, parts.name, parts.locale, parts.reason, parts.who, parts.time);
  const foot = el("div", { class: "desk-card-foot" }, take, open);
  const element = el("li", { class: "desk-card" }, head, parts.words, parts.detail, foot);
  take.hidden = first.section !== "waiting" || !first.canAnswer;
  take.setAttribute("aria-label", `${say("take")}: ${first.customer}`);
  open.setAttribute("aria-label", `${say("open")}: ${first.customer}`);
  take.addEventListener("click", () => void takeIt(first, take));
  return {
    element,
    /** @param {Card} card */
    update(card) {
      setText(parts.name, card.customer);
      setText(parts.locale, say(`locale_${card.locale}`));
      setText(parts.reason, card.reason);
      setText(parts.who, card.section === "others" ? card.agent : "");
      setText(parts.words, card.words || say("no_words"));
      parts.words.classList.toggle("desk-none", !card.words);
      setText(parts.detail, card.detail);
      parts.detail.hidden = !card.detail;
      showWait(card, { element, time: parts.time });
    },
  };
}

/** @param {Card} card @param {{ element: HTMLElement, time: HTMLElement }} parts */
function showWait(card, { element, time }) {
  const isWaiting = card.section === "waiting";
  element.classList.toggle("desk-due", !isWaiting && card.is_unanswered);
  time.dataset.since = isWaiting ? card.opened_at : (card.words_at ?? card.opened_at);
  time.dataset.kind = isWaiting ? "since" : card.is_unanswered ? "replies_due" : "answered";
}

/** @param {Card} card @param {HTMLButtonElement} button */
async function takeIt(card, button) {
  complain("");
  button.disabled = true;
  try {
    await post(card.take_url, {}, { failed: say("failed"), forbidden: say("forbidden") });
    location.assign(card.url);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    complain(error.message);
    button.disabled = false;
  }
}

/** @param {string} message "" to take it back */
function complain(message) {
  setText(alert, message);
  alert.hidden = !message;
}

/** @param {Queue} queue */
function show(queue) {
  skew = Date.parse(queue.now) - Date.now();
  shownAt = queue.now;
  for (const name of SECTIONS) showSection(name, queue);
  if (lastCount >= 0 && queue.waiting_count > lastCount) setText(live, say("new_in_queue"));
  lastCount = queue.waiting_count;
  tick();
}

/** @param {Section} name @param {Queue} queue */
function showSection(name, queue) {
  const box = sections[name];
  if (!box) return;
  const cards = queue[name].map((row) => ({
    ...row,
    key: String(row.conversation),
    section: name,
    canAnswer: queue.can_answer,
  }));
  box.list.show(cards, "");
  const total = name === "waiting" ? queue.waiting_count : cards.length;
  setText(box.count, String(total));
  box.empty.hidden = total > 0;
  box.more.hidden = total <= cards.length;
  setText(box.more, fill(say("more"), { count: total - cards.length }));
}

/** Let the waiting times go on. */
function tick() {
  for (const time of root.querySelectorAll("time[data-since]")) {
    if (!(time instanceof HTMLElement)) continue;
    const seconds = (Date.now() + skew - Date.parse(time.dataset.since ?? "")) / 1000;
    setText(time, fill(say(time.dataset.kind ?? "since"), { time: duration(seconds, words) }));
  }
}

function showSound() {
  soundButton.setAttribute("aria-pressed", String(isSoundOn()));
  setText(soundButton, say(isSoundOn() ? "sound_on" : "sound_off"));
}

soundButton.addEventListener("click", () => {
  setSound(!isSoundOn());
  showSound();
});
link.onStatus((status) => {
  linkState.dataset.status = status;
  const text = { live: "live", connecting: "connecting", offline: "offline", out: "forbidden" }[status];
  setText(linkState, fill(say(text), { time: clock(shownAt, pageLocale()) }));
});
root.append(live);
showSound();
show(pageData("desk-queue"));
onQueue(show);
setInterval(tick, 1000);
