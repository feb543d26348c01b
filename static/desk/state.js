// @ts-check
/**
 * What is known of the conversation that the page shows. Pure: states in, states out; `node --test` runs it.
 *
 * Rows come from the server over HTTP (`addPart`), in full. Frames of the socket (`applyFrame`) show what happens at
 * once, and say through `wants` what must be fetched to know it in full: the rows are the truth, frames decoration.
 */

import { characters, dropCharacters } from "../widget/characters.js";
import { dayKey } from "../widget/dates.js";

/**
 * @typedef {object} MessageRow
 * @property {number} seq
 * @property {string} id
 * @property {"customer" | "bot" | "agent" | "system"} sender
 * @property {string} text
 * @property {string} at
 * @property {string} agent
 * @property {string | null} run
 * @property {string} intent
 * @property {boolean | null} action_required
 * @property {boolean | null} escalate
 * @property {boolean} stopped
 * @property {string} code
 * @property {string} [correct] where the reply can be corrected; "" or nothing where it can't
 * @property {string} [correction] what became of an earlier correction
 *
 * @typedef {object} RunRow
 * @property {string} id
 * @property {string} state
 * @property {string} outcome
 * @property {number} reply_to
 * @property {string} provider
 * @property {string} model
 * @property {number} attempts
 * @property {number | null} first_token_ms
 * @property {number | null} total_ms
 * @property {number} prompt_tokens
 * @property {number} cached_tokens
 * @property {number} completion_tokens
 * @property {number} reasoning_tokens
 * @property {boolean} is_repaired
 * @property {Record<string, unknown>} trace
 * @property {string} why the address of the page that tells how it came about
 *
 * @typedef {{ id: number, after_seq: number, author: string, text: string, at: string }} NoteRow
 * @typedef {{ id: number, reason: string, detail: string, opened_at: string, taken_at: string | null, taken_by: string, closed_at: string | null }} EscalationRow
 *
 * @typedef {object} Head
 * @property {"bot" | "waiting" | "agent" | "resolved"} owner
 * @property {number} owner_epoch
 * @property {string} agent
 * @property {number | null} agent_id null also where a frame told the name and the row has yet to come
 * @property {boolean} is_mine
 * @property {boolean} can_answer
 * @property {{ on_duty: boolean, message: string } | null} expect
 * @property {number} head_seq
 * @property {number} customer_seq
 * @property {number} answered_seq
 * @property {number} read_seq
 * @property {number | null} rating
 * @property {string} rating_comment
 *
 * @typedef {{ head: Head, messages: MessageRow[], runs: RunRow[], notes: NoteRow[], escalations: EscalationRow[], has_earlier: boolean }} Part
 * @typedef {{ id: string, text: string, length: number, epoch: number }} Live a reply being written; `length` in characters
 * @typedef {{ user: number, name: string, is_typing: boolean }} Person
 * @typedef {{ refresh: boolean, snapshot: boolean }} Wants
 *
 * @typedef {object} State
 * @property {Head} head
 * @property {ReadonlyMap<number, MessageRow>} messages by seq
 * @property {ReadonlyMap<string, RunRow>} runs
 * @property {ReadonlyMap<number, NoteRow>} notes
 * @property {EscalationRow[]} escalations
 * @property {string} lostTo the colleague who took this conversation from the person looking at it, "" if nobody did
 * @property {boolean} hasEarlier
 * @property {number} completeSeq all rows from the oldest shown up to this seq are known in full
 * @property {Live | null} live
 * @property {number} customerTypesUntil ms
 * @property {Person[]} people
 * @property {Wants} wants
 */

/** @typedef {Record<string, any> & { type: string }} Frame */

const NOTHING = { refresh: false, snapshot: false };
const REFRESH = { refresh: true, snapshot: false };

/** @param {Part} part the newest one @returns {State} */
export function firstState(part) {
  /** @type {State} */
  const empty = {
    head: { ...part.head, owner_epoch: 0 },
    messages: new Map(),
    runs: new Map(),
    notes: new Map(),
    escalations: [],
    lostTo: "",
    hasEarlier: part.has_earlier,
    completeSeq: 0,
    live: null,
    customerTypesUntil: 0,
    people: [],
    wants: NOTHING,
  };
  return { ...addPart(empty, part), wants: NOTHING };
}

/**
 * Add rows that were fetched; they replace what frames had shown of them.
 *
 * @param {State} state @param {Part} part @returns {State}
 */
export function addPart(state, part) {
  const messages = merged(state.messages, part.messages, (row) => row.seq);
  const newest = part.messages.at(-1)?.seq ?? 0;
  const isStale = part.head.owner_epoch < state.head.owner_epoch;
  const isDone = part.messages.some((row) => row.run !== null && row.run === state.live?.id);
  return {
    ...state,
    messages,
    runs: merged(state.runs, part.runs, (row) => row.id),
    notes: merged(state.notes, part.notes, (row) => row.id),
    escalations: part.escalations,
    head: isStale ? state.head : part.head,
    lostTo: isStale ? state.lostTo : lostTo(state, part.head),
    completeSeq: Math.max(state.completeSeq, newest),
    live: isDone ? null : state.live,
    wants: { refresh: part.head.head_seq > Math.max(state.completeSeq, newest), snapshot: false },
  };
}

/** @param {State} state @param {Part} part the one before the oldest shown @returns {State} */
export function addEarlier(state, part) {
  return { ...addPart(state, part), hasEarlier: part.has_earlier, wants: NOTHING };
}

/**
 * @template Key, Row
 * @param {ReadonlyMap<Key, Row>} known @param {Row[]} rows @param {(row: Row) => Key} key
 * @returns {Map<Key, Row>}
 */
function merged(known, rows, key) {
  const all = new Map(known);
  for (const row of rows) all.set(key(row), row);
  return all;
}

/**
 * @param {State} state @param {Frame} frame
 * @param {number} now ms
 * @returns {State}
 */
export function applyFrame(state, frame, now) {
  const apply = Object.hasOwn(FRAMES, frame.type) ? FRAMES[frame.type] : undefined;
  return { ...state, wants: NOTHING, ...(apply ? apply(state, frame, now) : {}) };
}

/** @type {Record<string, (state: State, frame: Frame, now: number) => Partial<State>>} */
const FRAMES = {
  message: applyMessage,
  delta: applyDelta,
  run: applyRun,
  owner: applyOwner,
  watching: (_state, frame) => ({ live: liveOf(frame.run), wants: REFRESH }),
  head: applyHead,
  note: applyNote,
  lost: () => ({ wants: { refresh: true, snapshot: true } }),
  typing: (state, frame, now) => ({
    customerTypesUntil: frame.who === "customer" ? now + frame.ttl * 1000 : state.customerTypesUntil,
  }),
  presence: (_state, frame) => ({ people: frame.people }),
};

/** @param {State} state @param {Frame} frame @returns {Partial<State>} */
function applyMessage(state, frame) {
  const seq = Number(frame.seq);
  if (state.messages.has(seq)) return {};
  /** @type {MessageRow} */
  const row = {
    seq,
    id: frame.id,
    sender: frame.sender,
    text: frame.text,
    at: frame.at,
    agent: frame.agent ?? "",
    run: frame.run ?? null,
    intent: "",
    action_required: null,
    escalate: null,
    stopped: frame.stopped === true,
    code: frame.code ?? "",
  };
  return {
    messages: merged(state.messages, [row], (message) => message.seq),
    live: row.run !== null && row.run === state.live?.id ? null : state.live,
    customerTypesUntil: row.sender === "customer" ? 0 : state.customerTypesUntil,
    wants: REFRESH,
  };
}

/** @param {State} state @param {Frame} frame @returns {Partial<State>} */
function applyDelta(state, frame) {
  if ([...state.messages.values()].some((row) => row.run === frame.run)) return {};
  const known = state.live && state.live.id === frame.run ? state.live : null;
  const live = known ?? { id: frame.run, text: "", length: 0, epoch: 0 };
  if (frame.offset > live.length) return { wants: { refresh: false, snapshot: true } };
  const fresh = dropCharacters(frame.text, live.length - frame.offset);
  return { live: { ...live, text: live.text + fresh, length: live.length + characters(fresh) } };
}

/** @param {State} state @param {Frame} frame @returns {Partial<State>} */
function applyRun(state, frame) {
  if (frame.state === "open") {
    const isKnown = state.live?.id === frame.id;
    return isKnown ? {} : { live: { id: frame.id, text: "", length: 0, epoch: frame.owner_epoch } };
  }
  return { live: state.live?.id === frame.id ? null : state.live, wants: REFRESH };
}

/** @param {State} state @param {Frame} frame @returns {Partial<State>} */
function applyOwner(state, frame) {
  if (frame.owner_epoch < state.head.owner_epoch) return {};
  if (frame.owner_epoch === state.head.owner_epoch) return { wants: REFRESH };
  // Whether it is mine now only the fetched row says. It cannot become or stay mine by somebody else's doing: an agent
  // after an agent is a colleague who took over (or this person, on another page; the row puts that right).
  const now = { owner: frame.state, agent: frame.agent ?? "", agent_id: null, owner_epoch: frame.owner_epoch };
  const head = { ...state.head, ...now, is_mine: false };
  return { head, lostTo: lostTo(state, head), live: null, wants: REFRESH };
}

/** @param {State} state before @param {Head} head now @returns {string} who took the conversation from this person */
function lostTo(state, head) {
  if (head.owner !== "agent" || head.is_mine) return "";
  return state.head.is_mine || state.lostTo ? head.agent : "";
}

/** @param {State} state @param {Frame} frame @returns {Partial<State>} */
function applyNote(state, frame) {
  const { id, after_seq, author, text, at } = /** @type {NoteRow & Frame} */ (frame);
  return { notes: merged(state.notes, [{ id, after_seq, author, text, at }], (note) => note.id) };
}

/** @param {State} state @param {Frame} frame @returns {Partial<State>} */
function applyHead(state, frame) {
  const isBehind = frame.seq > state.completeSeq || frame.owner_epoch > state.head.owner_epoch;
  const isOther = String(frame.run || "") !== (state.live?.id ?? "");
  return { wants: { refresh: isBehind, snapshot: isOther } };
}

/** @param {{ id: string, text: string } | null} run @returns {Live | null} */
function liveOf(run) {
  return run ? { id: run.id, text: run.text, length: characters(run.text), epoch: 0 } : null;
}

/**
 * @typedef {{ kind: "message", key: string, message: MessageRow, run: RunRow | null, isRead: boolean }} MessageEntry
 * @typedef {{ kind: "note", key: string, note: NoteRow }} NoteEntry
 * @typedef {{ kind: "run", key: string, run: RunRow }} RunEntry
 * @typedef {{ kind: "live", key: string, text: string }} LiveEntry
 * @typedef {{ kind: "day", key: string, at: string }} DayEntry
 * @typedef {MessageEntry | NoteEntry | RunEntry | LiveEntry | DayEntry} Entry
 */

/** @param {State} state @returns {Entry[]} everything there is to show, in order */
export function timeline(state) {
  const messages = [...state.messages.values()].sort((a, b) => a.seq - b.seq);
  const notes = [...state.notes.values()].sort((a, b) => a.id - b.id);
  const failed = [...state.runs.values()].filter((run) => run.state === "discarded");
  /** @type {Entry[]} */
  const entries = aside(0, { notes, failed });
  let day = "";
  for (const message of messages) {
    if (dayKey(message.at) !== day) {
      day = dayKey(message.at);
      entries.push({ kind: "day", key: `d${day}`, at: message.at });
    }
    const run = message.run === null ? null : (state.runs.get(message.run) ?? null);
    const isRead = message.seq <= state.head.read_seq;
    entries.push({ kind: "message", key: `m${message.seq}`, message, run, isRead });
    entries.push(...aside(message.seq, { notes, failed }));
  }
  if (state.live) entries.push({ kind: "live", key: `l${state.live.id}`, text: state.live.text });
  return entries;
}

/**
 * @param {number} seq
 * @param {{ notes: NoteRow[], failed: RunRow[] }} rows
 * @returns {Entry[]} what stands just after a message without being one
 */
function aside(seq, { notes, failed }) {
  /** @type {Entry[]} */
  const entries = [];
  for (const run of failed) if (run.reply_to === seq) entries.push({ kind: "run", key: `r${run.id}`, run });
  for (const note of notes) if (note.after_seq === seq) entries.push({ kind: "note", key: `n${note.id}`, note });
  return entries;
}
