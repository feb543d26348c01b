// @ts-check
/**
 * What the conversation shows, as a flat list of things with stable keys. Pure: the same state gives the same list.
 *
 * A bubble keeps its key from "being sent" to "stored", and from the first piece of a reply to its message, so that
 * nothing on the screen is ever replaced by its own twin.
 *
 * @import { Message, Pending, PendingStatus, Run, Sender, State } from "./types.js"
 */

import { dayKey } from "./dates.js";

const GROUP_MS = 5 * 60_000;

/**
 * @typedef {object} Bubble
 * @property {"bubble"} kind
 * @property {string} key
 * @property {Sender} sender
 * @property {string} agent
 * @property {string} text "" while a reply has not begun: three dots
 * @property {string} at "" while it is being written
 * @property {boolean} isGrowing
 * @property {boolean} isFirst of a group by one sender
 * @property {boolean} isLast
 * @property {PendingStatus | ""} status "" where there is nothing to tell
 * @property {string} code
 * @property {boolean} stopped
 *
 * @typedef {{ kind: "day", key: string, at: string }} Day
 * @typedef {{ kind: "system", key: string, text: string, at: string, code: string }} Line
 * @typedef {{ kind: "typing", key: string, agent: string }} Typing
 * @typedef {{ kind: "rating", key: string, status: "" | "queued" | "sent" }} RatingCard
 * @typedef {Bubble | Day | Line | Typing | RatingCard} Item
 */

/** @param {State} state @param {{ greeting: string, now: number }} options @returns {Item[]} */
export function timeline(state, { greeting, now }) {
  /** @type {Item[]} */
  const said = [
    bubble({ key: "greeting", sender: "bot", text: greeting }),
    ...state.messages.map((message) => (message.sender === "system" ? line(message) : stored(message))),
    ...state.outbox.map(written),
    ...(state.run ? [growing(state.run)] : []),
  ];
  return [...grouped(withDays(said, now)), ...typing(state), ...rating(state)].map(withoutOldStatus);
}

/** @param {Pick<Bubble, "key" | "sender" | "text"> & Partial<Bubble>} known @returns {Bubble} */
function bubble(known) {
  const empty = { agent: "", at: "", isGrowing: false, isFirst: true, isLast: true, code: "", stopped: false };
  return { kind: "bubble", status: "", ...empty, ...known };
}

/** @param {Message} message @returns {Bubble} */
function stored(message) {
  const { sender, text, at, agent, stopped } = message;
  return bubble({ key: keyOf(message), sender, text, at, agent, stopped, status: sender === "customer" ? "sent" : "" });
}

/** @param {Message} message @returns {string} */
function keyOf({ clientId, run, seq }) {
  if (clientId) return `c:${clientId}`;
  return run ? `r:${run}` : `m:${seq}`;
}

/** @param {Message} message @returns {Line} */
const line = ({ seq, text, at, code }) => ({ kind: "system", key: `m:${seq}`, text, at, code });

/** @param {Pending} pending @returns {Bubble} */
const written = ({ clientId, text, at, status, code, retryAt }) =>
  bubble({ key: `c:${clientId}`, sender: "customer", text, at, status, code: retryAt ? "later" : code });

/** @param {Run} run @returns {Bubble} */
const growing = ({ id, text, isOpen }) => bubble({ key: `r:${id}`, sender: "bot", text, isGrowing: isOpen });

/** @param {Item[]} items @param {number} now @returns {Item[]} with a line where a new day begins, none if all is of today */
function withDays(items, now) {
  let last = new Date(now).toDateString();
  return items.flatMap((item) => {
    const at = "at" in item ? item.at : "";
    const key = dayKey(at);
    if (!key || key === last) return [item];
    last = key;
    return [{ kind: "day", key: `d:${key}`, at }, item];
  });
}

/** @param {Item[]} items @returns {Item[]} */
function grouped(items) {
  return items.map((item, i) => {
    if (item.kind !== "bubble") return item;
    return { ...item, isFirst: !isOneGroup(items[i - 1], item), isLast: !isOneGroup(item, items[i + 1]) };
  });
}

/** @param {Item | undefined} one @param {Item | undefined} other @returns {boolean} */
function isOneGroup(one, other) {
  if (one?.kind !== "bubble" || other?.kind !== "bubble") return false;
  if (one.sender !== other.sender || one.agent !== other.agent) return false;
  return !one.at || !other.at || Date.parse(other.at) - Date.parse(one.at) < GROUP_MS;
}

/** @param {Item} item @param {number} i @param {Item[]} items @returns {Item} "sent" is told of the last thing only */
function withoutOldStatus(item, i, items) {
  const isOld = item.kind === "bubble" && item.status === "sent" && i < items.length - 1;
  return isOld ? { ...item, status: "" } : item;
}

/** @param {State} state @returns {Typing[]} */
function typing({ typing: who, run, owner }) {
  if (!who || run) return [];
  return [{ kind: "typing", key: "typing", agent: owner.state === "agent" ? owner.agent : "" }];
}

/** @param {State} state @returns {RatingCard[]} */
function rating({ owner, rating: given, messages }) {
  if (owner.state !== "resolved" || messages.length === 0) return [];
  return [{ kind: "rating", key: `rating:${owner.epoch}`, status: given?.status ?? "" }];
}
