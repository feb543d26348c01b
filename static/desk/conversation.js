// @ts-check
/** The conversation's page: wires the socket, the doors and what is shown. */

import { clock } from "../widget/dates.js";
import { setText } from "../widget/dom.js";
import { Composer } from "./composer.js";
import { ask } from "./dialog.js";
import { Drafts } from "./drafts.js";
import { page as everywhere, link } from "./everywhere.js";
import { post, RefusedError } from "./post.js";
import { History, moment, Standing } from "./standing.js";
import { addEarlier, addPart, applyFrame, firstState } from "./state.js";
import { Transcript } from "./transcript.js";
import { fill, pageData, pageLocale } from "./words.js";

/** @typedef {import("./state.js").State} State */
/** @typedef {import("./state.js").Part} Part */

const REFRESH_JOIN_MS = 60;
const RETRY_MS = 3000;

/** @type {{ conversation: number, words: import("./words.js").Words } & Record<string, string>} */
const page = pageData("desk-page");
const words = { ...everywhere.words, ...page.words };
/** @param {string} key */
const say = (key) => words[key] ?? key;

/** @type {State} */
let state = firstState(pageData("desk-state"));
let isBusy = false;
let syncedAt = new Date().toISOString();
let isRefreshDue = false;

const transcript = new Transcript(words, { onEarlier: () => void loadEarlier() });
const standing = new Standing(words, { user: everywhere.user, onAction: (action) => void act(action) });
const history = new History(words);
const composer = new Composer(words, new Drafts(sessionStorage, `csbot.desk.draft.${page.conversation}.`), {
  onSend: async (mode, text, submitId) => {
    const url = /** @type {string} */ (mode === "note" ? page.note : page.reply);
    take(await post(url, { text, submit_id: submitId, after: String(state.completeSeq) }, problems()));
  },
  onTyping: (on, mode) => link.send({ type: "typing", on, public: mode === "reply" }),
});

const problems = () => ({ failed: say("failed"), forbidden: say("forbidden") });

/** @param {Part} part fetched rows */
function take(part) {
  syncedAt = new Date().toISOString();
  become(addPart(state, part));
}

/** @param {State} next */
function become(next) {
  state = next;
  if (state.wants.snapshot) link.watch(page.conversation);
  if (state.wants.refresh) refreshSoon(REFRESH_JOIN_MS);
  show();
}

function show() {
  transcript.show(state, Date.now());
  standing.show(state, isBusy);
  history.show(state);
  composer.show(state.head);
}

/** @param {number} delay ms; fetches in a row become one */
function refreshSoon(delay) {
  if (isRefreshDue) return;
  isRefreshDue = true;
  setTimeout(() => {
    isRefreshDue = false;
    void refresh();
  }, delay);
}

async function refresh() {
  try {
    take(await fetchPart(`after=${state.completeSeq}`));
  } catch {
    // Shown by the status line as long as it lasts; the rows are still there, so ask again until they come.
    refreshSoon(RETRY_MS);
  }
}

/** @param {string} query @returns {Promise<Part>} */
async function fetchPart(query) {
  const response = await fetch(`${page.live}?${query}`, { headers: { Accept: "application/json" } });
  if (!response.ok || response.redirected) throw new Error(`status ${response.status}`);
  return response.json();
}

async function loadEarlier() {
  const oldest = Math.min(...state.messages.keys());
  transcript.earlier.disabled = true;
  try {
    become(addEarlier(state, await fetchPart(`before=${oldest}`)));
  } catch {
    standing.complain(say("failed"));
  }
  transcript.earlier.disabled = false;
}

/** @param {string} agent who holds it @returns {Promise<boolean>} */
function isSureToTakeFrom(agent) {
  return ask({
    title: fill(say("take_over_title"), { agent }),
    text: fill(say("take_over_text"), { agent }),
    yes: say("take"),
    no: say("cancel"),
  });
}

/** @param {import("./standing.js").Action} action */
async function act(action) {
  // Read before the question: what was agreed to is taking it from this person, whoever may hold it a minute later.
  const { agent, agent_id: holder } = state.head;
  if (action === "take_over" && !(await isSureToTakeFrom(agent))) return;
  isBusy = true;
  standing.complain("");
  show();
  try {
    const url = /** @type {string} */ (page[action]);
    take(await post(url, { after: String(state.completeSeq), holder: String(holder ?? "") }, problems()));
    if (action === "take" || action === "take_over") composer.area.focus();
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    standing.complain(error.message);
    refreshSoon(0);
  } finally {
    isBusy = false;
    show();
  }
}

const root = /** @type {HTMLElement} */ (document.getElementById("conversation"));
const side = /** @type {HTMLElement} */ (root.querySelector("[data-side]"));
root.querySelector("[data-main]")?.append(standing.element, transcript.element, composer.element);
side.append(history.element);
// On a wide screen the facts stand beside the conversation; on a phone they fold away.
if (matchMedia("(min-width: 64rem)").matches) root.querySelector("details")?.setAttribute("open", "");

for (const time of root.querySelectorAll("time[data-moment]"))
  setText(time, moment(/** @type {HTMLTimeElement} */ (time).dateTime));

link.onFrame((frame) => become(applyFrame(state, frame, Date.now())));
link.onStatus((status) => {
  standing.link.dataset.status = status;
  const key = { live: "live", connecting: "connecting", offline: "offline", out: "forbidden" }[status];
  setText(standing.link, fill(say(key), { time: clock(syncedAt, pageLocale()) }));
});
link.watch(page.conversation);
setInterval(() => transcript.show(state, Date.now()), 1000);
show();
