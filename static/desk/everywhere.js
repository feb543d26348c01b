// @ts-check
/**
 * On every admin page: the live count of those who wait, in the sidebar and the title, the sound if it is wanted, and
 * what staff must know at once.
 *
 * Fetches the queue whenever the server says that it changed, once in a while in case nobody says so, and hands it to
 * whoever shows it (`onQueue`).
 */

import { DeskLink } from "./link.js";
import { chime } from "./sound.js";
import { pageData } from "./words.js";

const JOIN_MS = 250;
const POLL_MS = 30_000;

/**
 * @typedef {object} QueueRow
 * @property {number} conversation
 * @property {string} url
 * @property {string} take_url
 * @property {string} customer
 * @property {string} site
 * @property {string} locale
 * @property {string} reason
 * @property {string} reason_code
 * @property {string} detail
 * @property {string} opened_at
 * @property {string} words
 * @property {string | null} words_at
 * @property {string} agent
 * @property {boolean} is_unanswered
 *
 * @typedef {object} Queue
 * @property {string} now
 * @property {number} waiting_count
 * @property {boolean} can_answer
 * @property {Notice[]} notices
 * @property {QueueRow[]} waiting
 * @property {QueueRow[]} mine
 * @property {QueueRow[]} others
 *
 * @typedef {{ text: string, url: string, is_grave: boolean }} Notice
 *
 * @typedef {{ socket: string, queue_url: string, waiting_count: number, user: number, words: import("./words.js").Words }} Everywhere
 */

/** @type {Everywhere} */
export const page = pageData("desk-everywhere");
export const link = new DeskLink(page.socket);

/** @type {Set<(queue: Queue) => void>} */
const listeners = new Set();
const title = document.title.trim();
let count = page.waiting_count;
let isFetchDue = false;
let lastNotices = "";

/** @param {(queue: Queue) => void} listener given each queue that is fetched */
export function onQueue(listener) {
  listeners.add(listener);
}

/** Fetch the queue in a moment; many changes in a row cost one fetch. */
export function refreshSoon() {
  if (isFetchDue) return;
  isFetchDue = true;
  setTimeout(() => {
    isFetchDue = false;
    void refresh();
  }, JOIN_MS);
}

async function refresh() {
  const address = listeners.size > 0 ? page.queue_url : `${page.queue_url}?rows=0`;
  try {
    const response = await fetch(address, { headers: { Accept: "application/json" } });
    if (!response.ok || response.redirected) return;
    /** @type {Queue} */
    const queue = await response.json();
    showCount(queue.waiting_count);
    showNotices(queue.notices);
    for (const listener of listeners) listener(queue);
  } catch (error) {
    // The next change, reconnect or poll tries again; the page's status line says that it is offline.
    console.warn("queue not fetched", error instanceof Error ? error.name : "");
  }
}

/** @param {number} waiting */
function showCount(waiting) {
  if (waiting > count) chime();
  count = waiting;
  document.title = waiting > 0 ? `(${waiting}) ${title}` : title;
  for (const badge of document.querySelectorAll("[data-desk-badge]")) {
    badge.textContent = String(waiting);
    badge.toggleAttribute("hidden", waiting === 0);
  }
}

/** @param {Notice[]} notices */
function showNotices(notices) {
  const list = document.querySelector("[data-desk-notices]");
  if (!list) return;
  const shown = JSON.stringify(notices);
  // Drawn again only where something changed: a screen reader reads each change out.
  if (shown === lastNotices) return;
  lastNotices = shown;
  list.replaceChildren(...notices.map(noticeItem));
  list.toggleAttribute("hidden", notices.length === 0);
}

/** @param {Notice} notice */
function noticeItem(notice) {
  const item = document.createElement("li");
  item.toggleAttribute("data-grave", notice.is_grave);
  const words = notice.url ? document.createElement("a") : document.createElement("span");
  if (words instanceof HTMLAnchorElement) words.href = notice.url;
  words.textContent = notice.text;
  item.append(words);
  return item;
}

showCount(count);
link.onFrame((frame) => {
  if (frame.type === "queue" || frame.type === "welcome") refreshSoon();
});
link.start();
setInterval(() => document.visibilityState === "visible" && refreshSoon(), POLL_MS);
