// @ts-check
/**
 * The panel's state and every way it changes. Pure: no clock, no storage, no socket; `node --test` runs it.
 *
 * Stored messages (with a `seq`) are the truth; a run's text is decoration until its message replaces it. What the
 * customer wrote leaves `outbox` only when the server has it, or when the customer takes it back.
 *
 * @import { Action, Message, Owner, Pending, Run, State } from "./types.js"
 * @import * as Types from "./types.js"
 */

import { characters, dropCharacters } from "./characters.js";

const ENDED_RUNS_KEPT = 20;

/** @type {Owner} */
const BOT = { state: "bot", epoch: 0, agent: "", expect: null };

/** @param {Partial<State>} [known] @returns {State} */
export function initialState(known = {}) {
  return {
    locale: "th",
    link: "idle",
    conversation: "",
    headSeq: 0,
    oldSeq: 0,
    afterSeq: 0,
    messages: [],
    outbox: [],
    run: null,
    endedRuns: [],
    owner: BOT,
    typing: null,
    maxChars: 4000,
    isSimulated: false,
    human: "none",
    rating: null,
    isOpen: false,
    readSeq: 0,
    gaps: 0,
    news: null,
    notice: "",
    isBack: false,
    ...known,
  };
}

/** @param {State} state @param {Action} action @returns {State} */
export function reduce(state, action) {
  switch (action.type) {
    case "frame":
      return reduceFrame(state, action.frame, action.now);
    case "connecting":
      return { ...requeued(state), link: state.link === "offline" ? "offline" : "connecting" };
    case "offline":
      return { ...requeued(state), link: "offline", typing: null, isBack: false };
    case "refused":
      return { ...requeued(state), link: "refused", notice: action.code };
    case "locale":
      return { ...state, locale: action.locale };
    case "open":
      return { ...state, isOpen: action.isOpen };
    case "seen":
      return action.seq > state.readSeq ? { ...state, readSeq: action.seq } : state;
    case "calm":
      return { ...state, notice: "", isBack: false };
    case "tick":
      return tick(state, action.now);
    case "reset":
      return initialState({ locale: state.locale, isOpen: state.isOpen, isSimulated: state.isSimulated });
    default:
      return reduceWish(state, action);
  }
}

/**
 * What the customer wants: to say something, to have a person, to rate.
 *
 * @param {State} state
 * @param {Extract<Action, { type: "compose" | "restore" | "forget" | "sending" | "overdue" | "retry" | "withdraw" |
 *   "want_human" | "asked_human" | "rate" | "rated" }>} action
 * @returns {State}
 */
function reduceWish(state, action) {
  switch (action.type) {
    case "compose":
      return { ...state, outbox: [...state.outbox.map(retried), pending(action)] };
    case "restore":
      return { ...state, outbox: merged(state, action.pending) };
    case "forget":
      return { ...state, outbox: state.outbox.filter((item) => !action.clientIds.includes(item.clientId)) };
    case "sending":
      return changed(state, action.clientId, { status: "sending", code: "" });
    case "overdue":
      return changed(state, action.clientId, { status: "failed", code: "no_answer" });
    case "retry":
      return {
        ...state,
        outbox: state.outbox.map((item) => (item.clientId === action.clientId ? retried(item) : item)),
      };
    case "withdraw":
      return { ...state, outbox: state.outbox.filter((item) => item.clientId !== action.clientId) };
    case "want_human":
      return state.owner.state === "waiting" || state.owner.state === "agent" ? state : { ...state, human: "wanted" };
    case "asked_human":
      return { ...state, human: "asked" };
    case "rate": {
      const { score, comment } = action;
      return { ...state, rating: { epoch: state.owner.epoch, score, comment, status: "queued" } };
    }
    case "rated":
      return { ...state, rating: action.rating };
  }
}

/** @param {State} state @param {Types.Frame} frame @param {number} now @returns {State} */
function reduceFrame(state, frame, now) {
  switch (frame.type) {
    case "welcome":
      return welcome(state, frame);
    case "message":
      return arrived(state, frame.message);
    case "ack":
      return acked(state, frame);
    case "nack":
      return changed(state, frame.clientId, {
        status: "failed",
        code: frame.code,
        retryAt: frame.retryAfter ? now + frame.retryAfter * 1000 : 0,
      });
    case "run":
      return runChanged(state, frame);
    case "delta":
      return grown(state, frame);
    case "owner":
      return owned(state, frame.owner);
    case "typing": {
      const isOther = frame.who !== "customer" && frame.ttl > 0;
      return { ...state, typing: isOther ? { who: frame.who, until: now + frame.ttl * 1000 } : null };
    }
    case "error":
      // Before the welcome it is the connection's matter, which tells by its own state.
      if (state.link !== "online" && state.link !== "catching_up") return state;
      return { ...state, notice: frame.code || "error", human: state.human === "asked" ? "none" : state.human };
    default:
      return state;
  }
}

// --- The outbox ------------------------------------------------------------------------------------------------------

/** @param {{ clientId: string, text: string, at: string }} action @returns {Pending} */
function pending({ clientId, text, at }) {
  return { clientId, text, at, status: "queued", code: "", retryAt: 0 };
}

/** @param {Pending} item @returns {Pending} the item on its way again, where that makes sense */
function retried(item) {
  return item.status === "failed" && !isRefused(item) ? { ...item, status: "queued", code: "", retryAt: 0 } : item;
}

/** @param {State} state @param {Pending[]} found @returns {Pending[]} what is new among `found`, sorted in */
function merged(state, found) {
  const known = new Set([...state.outbox, ...state.messages].map((item) => item.clientId));
  const fresh = found.filter((item) => !known.has(item.clientId));
  return [...state.outbox, ...fresh].sort((one, other) => one.at.localeCompare(other.at));
}

/** @param {State} state @param {string} clientId @param {Partial<Pending>} change @returns {State} */
function changed(state, clientId, change) {
  const outbox = state.outbox.map((item) => (item.clientId === clientId ? { ...item, ...change } : item));
  return { ...state, outbox };
}

/** @param {State} state @returns {State} with everything that was under way waiting again */
function requeued(state) {
  const outbox = state.outbox.map((item) => (item.status === "sending" ? { ...item, status: "queued" } : item));
  return {
    ...state,
    outbox: /** @type {Pending[]} */ (outbox),
    human: state.human === "asked" ? "wanted" : state.human,
  };
}

/** @param {State} state @param {number} now @returns {State} */
function tick(state, now) {
  const outbox = state.outbox.map((item) => (item.retryAt && item.retryAt <= now ? retried(item) : item));
  const typing = state.typing && state.typing.until > now ? state.typing : null;
  return { ...state, outbox, typing };
}

/** @param {State} state @param {Types.AckFrame} ack @returns {State} */
function acked(state, ack) {
  const item = state.outbox.find((one) => one.clientId === ack.clientId);
  if (!item) return state;
  if (ack.seq !== state.afterSeq + 1) return changed(state, ack.clientId, { status: "sent", at: ack.at || item.at });
  const empty = { run: "", agent: "", code: "", stopped: false };
  return arrived(state, {
    ...empty,
    seq: ack.seq,
    sender: "customer",
    text: item.text,
    at: ack.at,
    clientId: ack.clientId,
  });
}

/** @param {State} state @returns {Pending | null} what to send now: one at a time, so that the order stays */
export function nextToSend(state) {
  if (state.link !== "online" && state.link !== "catching_up") return null;
  const [first] = state.outbox.filter((item) => item.status !== "sent" && !isRefused(item));
  return first?.status === "queued" ? first : null;
}

/** @param {{ code: string }} item @returns {boolean} whether sending it again as it is would be in vain */
export const isRefused = (item) => ["too_long", "empty", "invalid", "conflict"].includes(item.code);

/** @param {State} state @returns {number} */
export const unsentCount = (state) => state.outbox.filter((item) => item.status !== "sent").length;

// --- The durable lane ------------------------------------------------------------------------------------------------

/** @param {State} state @param {Types.WelcomeFrame} frame @returns {State} */
function welcome(state, frame) {
  const isSame = state.conversation === "" || state.conversation === frame.conversation;
  const base = isSame && frame.headSeq >= state.afterSeq ? state : forgotten(state);
  const owner = frame.owner ?? base.owner;
  return {
    ...base,
    conversation: frame.conversation,
    headSeq: frame.headSeq,
    oldSeq: base.afterSeq === 0 ? frame.headSeq : base.oldSeq,
    owner,
    run: welcomedRun(base, frame, owner),
    maxChars: frame.maxChars,
    isSimulated: frame.isSimulated,
    readSeq: Math.max(base.readSeq, frame.readSeq),
    human: owner.state === "bot" || owner.state === "resolved" ? base.human : "none",
    rating: base.rating?.epoch === owner.epoch ? base.rating : null,
    // Asked from the start, a shorter conversation than we knew answers with everything there is.
    gaps: base === state ? base.gaps : base.gaps + 1,
    isBack: state.link === "offline",
    notice: "",
    link: base.afterSeq >= frame.headSeq ? "online" : "catching_up",
  };
}

/** @param {State} state @returns {State} without a conversation; what the customer still wants to say stays */
function forgotten(state) {
  const kept = { locale: state.locale, isOpen: state.isOpen, outbox: state.outbox, human: state.human };
  return initialState({ ...kept, gaps: state.gaps });
}

/** @param {State} state @param {Types.WelcomeFrame} frame @param {Owner} owner @returns {Run | null} */
function welcomedRun(state, frame, owner) {
  const { run } = frame;
  if (run && !state.endedRuns.includes(run.id)) {
    return { ...run, length: characters(run.text), epoch: owner.epoch, isOpen: true, isStale: false };
  }
  return state.run && state.afterSeq < frame.headSeq ? { ...state.run, isStale: true } : null;
}

/** @param {State} state @param {Message} message @returns {State} */
function arrived(state, message) {
  if (message.seq <= state.afterSeq) return state;
  if (message.seq > state.afterSeq + 1) return { ...state, gaps: state.gaps + 1 };
  const isCaughtUp = message.seq >= state.headSeq;
  const next = { ...state, afterSeq: message.seq, messages: [...state.messages, message] };
  next.outbox = state.outbox.filter((item) => !message.clientId || item.clientId !== message.clientId);
  if (state.link === "catching_up" && isCaughtUp) next.link = "online";
  if (message.run) next.endedRuns = ended(state, message.run);
  if (isOver(state.run, message, next.link)) next.run = null;
  if (message.sender === "agent" || message.sender === "bot") next.typing = null;
  if (message.sender === "customer") next.readSeq = Math.max(state.readSeq, message.seq);
  if (message.sender !== "customer" && message.seq > state.oldSeq) {
    next.news = { key: message.seq, sender: message.sender, text: message.text };
  }
  return next;
}

/** @param {Run | null} run @param {Message} message @param {Types.Link} link */
const isOver = (run, message, link) => run && (run.id === message.run || (run.isStale && link === "online"));

/** @param {State} state @param {string} run @returns {string[]} */
const ended = (state, run) =>
  state.endedRuns.includes(run) ? state.endedRuns : [...state.endedRuns, run].slice(-ENDED_RUNS_KEPT);

// --- The live lane ---------------------------------------------------------------------------------------------------

/** @param {State} state @param {Types.RunFrame} frame @returns {State} */
function runChanged(state, frame) {
  const isShown = state.run?.id === frame.id;
  if (frame.state === "open") {
    if (isShown || frame.epoch < state.owner.epoch || state.endedRuns.includes(frame.id)) return state;
    return { ...state, run: { id: frame.id, text: "", length: 0, epoch: frame.epoch, isOpen: true, isStale: false } };
  }
  if (frame.state === "discarded") {
    return { ...state, endedRuns: ended(state, frame.id), run: isShown ? null : state.run };
  }
  // Closed: its message may still be on its way; until then the text stays where it is.
  const run = isShown && state.run?.text ? { ...state.run, isOpen: false } : null;
  return isShown ? { ...state, run } : state;
}

/** @param {State} state @param {Types.DeltaFrame} delta @returns {State} */
function grown(state, delta) {
  if (state.endedRuns.includes(delta.run) || isPerson(state.owner)) return state;
  const run = state.run?.id === delta.run ? state.run : unannounced(state, delta);
  if (!run || delta.offset > run.length) return { ...state, gaps: state.gaps + 1 };
  const fresh = dropCharacters(delta.text, run.length - delta.offset);
  if (!fresh) return state;
  return { ...state, run: { ...run, text: run.text + fresh, length: run.length + characters(fresh) } };
}

/** @param {State} state @param {Types.DeltaFrame} delta @returns {Run | null} a run whose `run` frame was lost */
function unannounced(state, delta) {
  if (delta.offset > 0) return null;
  return { id: delta.run, text: "", length: 0, epoch: state.owner.epoch, isOpen: true, isStale: false };
}

/** @param {State} state @param {Owner} owner @returns {State} */
function owned(state, owner) {
  if (owner.epoch < state.owner.epoch) return state;
  const isFenced = state.run !== null && state.run.epoch < owner.epoch;
  return {
    ...state,
    owner,
    run: isFenced ? null : state.run,
    endedRuns: isFenced && state.run ? ended(state, state.run.id) : state.endedRuns,
    typing: null,
    human: isPerson(owner) ? "none" : state.human,
    rating: state.rating?.epoch === owner.epoch ? state.rating : null,
  };
}

/** @param {Owner} owner @returns {boolean} whether a person answers, or will */
const isPerson = (owner) => owner.state === "agent" || owner.state === "waiting";

// --- What the customer has not seen ----------------------------------------------------------------------------------

/** @param {State} state @returns {number} replies that came while the panel was closed */
export function unreadCount(state) {
  if (state.isOpen) return 0;
  return state.messages.filter((message) => message.seq > state.readSeq && isReply(message)).length;
}

/** @param {Message} message */
const isReply = (message) => message.sender === "bot" || message.sender === "agent";
