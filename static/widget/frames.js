// @ts-check
/**
 * Reads the server's frames. Whatever is not a frame we understand is null: newer servers may send more, and nothing
 * that comes over the wire is trusted to have the right shape.
 *
 * @import { Expect, Frame, Message, Owner, OwnerState, Sender, Snapshot } from "./types.js"
 */

/** @typedef {Record<string, unknown>} Json */

const SENDERS = new Set(["customer", "bot", "agent", "system"]);
const OWNERS = new Set(["bot", "waiting", "agent", "resolved"]);
const DEFAULT_MAX_CHARS = 4000;

/** @param {unknown} value @returns {value is Json} */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
/** @param {unknown} value */
const text = (value) => (typeof value === "string" ? value : typeof value === "number" ? String(value) : "");
/** @param {unknown} value */
const count = (value) => (typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : 0);

/** @type {Record<string, (json: Json) => Frame | null>} */
const READERS = {
  welcome: (json) => ({
    type: "welcome",
    conversation: text(json.conversation),
    headSeq: count(json.head_seq),
    owner: readOwner(isObject(json.owner) ? json.owner : { ...json, state: json.owner }),
    run: readSnapshot(json.run),
    maxChars: (isObject(json.limits) && count(json.limits.max_chars)) || DEFAULT_MAX_CHARS,
    isSimulated: json.simulated === true,
    readSeq: count(json.read_seq),
  }),
  message: (json) => {
    const message = readMessage(json);
    return message && { type: "message", message };
  },
  ack: (json) => ({ type: "ack", clientId: text(json.client_id), seq: count(json.seq), at: text(json.at) }),
  nack: (json) => ({
    type: "nack",
    clientId: text(json.client_id),
    code: text(json.code),
    retryAfter: count(json.retry_after),
  }),
  run: (json) => ({ type: "run", id: text(json.id), state: text(json.state), epoch: count(json.owner_epoch) }),
  delta: (json) => ({ type: "delta", run: text(json.run), offset: count(json.offset), text: text(json.text) }),
  owner: (json) => {
    const owner = readOwner(json);
    return owner && { type: "owner", owner };
  },
  typing: (json) => ({ type: "typing", who: text(json.who), ttl: count(json.ttl) }),
  error: (json) => ({ type: "error", code: text(json.code) }),
  go_away: (json) => ({ type: "go_away", delay: count(json.delay) }),
  pong: () => ({ type: "pong" }),
};

/**
 * @param {unknown} data what the socket brought
 * @returns {Frame | null}
 */
export function readFrame(data) {
  if (typeof data !== "string") return null;
  try {
    const json = JSON.parse(data);
    if (!isObject(json)) return null;
    const type = text(json.type);
    return Object.hasOwn(READERS, type) ? (READERS[type]?.(json) ?? null) : null;
  } catch {
    return null;
  }
}

/** @param {Json} json @returns {Owner | null} */
function readOwner(json) {
  const state = text(json.state);
  if (!OWNERS.has(state)) return null;
  return {
    state: /** @type {OwnerState} */ (state),
    epoch: count(json.owner_epoch),
    agent: text(json.agent),
    expect: readExpect(json.expect),
  };
}

/** @param {unknown} json @returns {Expect | null} */
function readExpect(json) {
  if (!isObject(json)) return null;
  const expect = { message: text(json.message), until: text(json.until), from: text(json.from) };
  return { ...expect, onDuty: json.on_duty === true };
}

/** @param {unknown} json @returns {Snapshot | null} */
const readSnapshot = (json) => (isObject(json) && text(json.id) ? { id: text(json.id), text: text(json.text) } : null);

/** @param {Json} json @returns {Message | null} */
function readMessage(json) {
  const sender = text(json.sender);
  const seq = count(json.seq);
  if (!SENDERS.has(sender) || seq < 1) return null;
  return {
    seq,
    sender: /** @type {Sender} */ (sender),
    text: text(json.text),
    at: text(json.at),
    clientId: text(json.client_id),
    run: text(json.run),
    agent: text(json.agent),
    code: text(json.code),
    stopped: json.stopped === true,
  };
}
