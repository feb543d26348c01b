// @ts-check
/**
 * What the playground shows. Pure: states in, states out; `node --test` runs it.
 *
 * A column is a playbook, a model and some examples left out; asking gives it `samples` answers. A question has a number
 * of its own (`ask`); frames of another question are too late and change nothing. Only some columns may be asked: `order`
 * says which column each side of the question is.
 */

/**
 * @typedef {"draft" | "live" | number} Book
 * @typedef {{ id: number, customer_text: string, intent: string, response: string, action_required: boolean, escalate: boolean, is_pinned: boolean, percent: number }} Example
 * @typedef {{ id: number, text: string }} LeftOut
 *
 * @typedef {object} Made what a column's answers are made from
 * @property {number | null} release
 * @property {string} who
 * @property {string} profile
 * @property {string} reasoning
 * @property {number} tokens
 * @property {number} turns_left_out
 * @property {Example[]} examples
 * @property {number} examples_count
 *
 * @typedef {object} Answer
 * @property {string} error "" where there is a reply
 * @property {string} response
 * @property {string} intent
 * @property {boolean} action_required
 * @property {boolean} escalate
 * @property {string[]} guards
 * @property {string[]} repairs
 * @property {string} raw
 * @property {string} who
 * @property {number | null} first_token_ms
 * @property {number} total_ms
 * @property {number} prompt_tokens
 * @property {number} cached_tokens
 * @property {number} completion_tokens
 * @property {number} reasoning_tokens
 * @property {string | null} cost
 * @property {string} currency
 *
 * @typedef {{ key: string, isBegun: boolean, text: string, answer: Answer | null }} Cell
 *
 * @typedef {object} Column
 * @property {number} key
 * @property {Book} book
 * @property {number | null} route
 * @property {LeftOut[]} without
 * @property {Made | null} made
 * @property {Cell[]} cells
 * @property {string} question what the shown answers answer
 *
 * @typedef {object} State
 * @property {Column[]} columns
 * @property {number} ask
 * @property {number[]} order keys of the columns that are asked
 * @property {boolean} isAsking
 * @property {string} trouble a code: why nothing was asked, or came back
 *
 * @typedef {Record<string, any> & { type: string }} Frame
 */

export const MAX_COLUMNS = 3;

/** @returns {State} the live release beside the draft */
export function firstState() {
  return { columns: [newColumn(0, "live"), newColumn(1, "draft")], ask: 0, order: [], isAsking: false, trouble: "" };
}

/** @param {number} key @param {Book} book @returns {Column} */
function newColumn(key, book) {
  return { key, book, route: null, without: [], made: null, cells: [], question: "" };
}

/**
 * @param {State} state @param {number} key
 * @param {Partial<Column>} change of what is asked: what it answered before no longer stands for it
 * @returns {State}
 */
export function changeColumn(state, key, change) {
  const columns = state.columns.map((each) =>
    each.key === key ? { ...each, ...change, made: null, cells: [], question: "" } : each,
  );
  return { ...state, columns };
}

/** @param {State} state @returns {State} with one more column, like the last one */
export function addColumn(state) {
  const last = state.columns.at(-1);
  if (!last || state.columns.length >= MAX_COLUMNS) return state;
  const column = { ...newColumn(nextKey(state), last.book), route: last.route, without: last.without };
  return { ...state, columns: [...state.columns, column] };
}

/** @param {State} state @param {number} key @returns {State} */
export function removeColumn(state, key) {
  if (state.columns.length === 1) return state;
  return { ...state, columns: state.columns.filter((each) => each.key !== key) };
}

/** @param {State} state */
const nextKey = (state) => Math.max(...state.columns.map((each) => each.key)) + 1;

/**
 * A column beside the others that is like this one, but without an example: to see what the example does.
 *
 * @param {State} state @param {number} key of the column whose example it is @param {LeftOut} example
 * @returns {{ state: State, key: number }} and the column to ask
 */
export function tryWithout(state, key, example) {
  const column = state.columns.find((each) => each.key === key);
  if (!column) return { state, key };
  const without = [...column.without, example];
  if (column.without.length > 0) return { state: changeColumn(state, key, { without }), key };
  const isFull = state.columns.length >= MAX_COLUMNS;
  // Where there is no more room, the column that was last added gives way, unless it is this very one.
  const gives = isFull ? state.columns.findLast((each) => each.key !== key) : undefined;
  const added = { ...newColumn(nextKey(state), column.book), route: column.route, without };
  const columns = [...state.columns.filter((each) => each !== gives), added];
  return { state: { ...state, columns }, key: added.key };
}

/**
 * @param {State} state @param {number[]} keys of the columns to ask
 * @param {{ question: string, samples: number }} asked
 * @returns {State} in which a new question is under way; what the other columns answered to it stays
 */
export function begin(state, keys, { question, samples }) {
  const ask = state.ask + 1;
  const columns = state.columns.map((each) => {
    if (keys.includes(each.key)) return { ...each, made: null, question, cells: emptyCells(samples) };
    return each.question === question ? each : { ...each, made: null, question: "", cells: [] };
  });
  return { ...state, columns, ask, order: keys, isAsking: true, trouble: "" };
}

/** @param {number} samples @returns {Cell[]} */
function emptyCells(samples) {
  return Array.from({ length: samples }, (_none, number) => ({
    key: String(number),
    isBegun: false,
    text: "",
    answer: null,
  }));
}

/** @param {State} state @param {Frame} frame @returns {State} */
export function applyFrame(state, frame) {
  if (frame.id !== state.ask || !state.isAsking) return state;
  switch (frame.type) {
    case "asked":
      return withColumn(state, frame.side, (column) => ({ ...column, made: /** @type {any} */ (frame) }));
    case "begin":
      return withCell(state, frame, (cell) => ({ ...cell, isBegun: true, text: "" }));
    case "delta":
      return withCell(state, frame, (cell) => ({ ...cell, text: cell.text + frame.text }));
    case "answer":
      return withCell(state, frame, (cell) => ({ ...cell, answer: /** @type {any} */ (frame) }));
    case "done":
      return settled(state);
    case "refused":
      return { ...settled(state), trouble: `refused_${frame.code}` };
    default:
      return state;
  }
}

/** @param {State} state @returns {State} after the connection broke */
export function lose(state) {
  return state.isAsking ? { ...settled(state), trouble: "lost" } : state;
}

/** @param {State} state @returns {State} nothing more will come: what has no answer never gets one */
function settled(state) {
  const columns = state.columns.map((each) => ({ ...each, cells: each.cells.filter((cell) => cell.answer) }));
  return { ...state, columns, isAsking: false };
}

/** @param {State} state @param {number} side @param {(column: Column) => Column} change @returns {State} */
function withColumn(state, side, change) {
  const key = state.order[side];
  return { ...state, columns: state.columns.map((each) => (each.key === key ? change(each) : each)) };
}

/** @param {State} state @param {Frame} frame @param {(cell: Cell) => Cell} change @returns {State} */
function withCell(state, frame, change) {
  return withColumn(state, frame.side, (column) => ({
    ...column,
    cells: column.cells.map((cell) => (cell.key === String(frame.sample) ? change(cell) : cell)),
  }));
}

/** @typedef {"" | "same" | "other_words" | "other_decision"} Likeness */

/**
 * @param {Cell[]} first @param {Cell[]} other
 * @returns {Likeness} by what each decided most often; nothing as long as one of both has no reply
 */
export function likeness(first, other) {
  const [mine, theirs] = [replies(first), replies(other)];
  if (mine.length === 0 || theirs.length === 0) return "";
  if (usual(mine.map(decision)) !== usual(theirs.map(decision))) return "other_decision";
  const said = new Set([...mine, ...theirs].map((answer) => answer.response));
  return said.size === 1 ? "same" : "other_words";
}

/** @param {Cell[]} cells */
const replies = (cells) => cells.flatMap(({ answer }) => (answer && !answer.error ? [answer] : []));

/** @param {Answer} answer */
const decision = ({ intent, escalate, action_required }) => JSON.stringify([intent, escalate, action_required]);

/** @param {string[]} values @returns {string} the most frequent, of equals the first */
function usual(values) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].reduce((best, each) => (each[1] > best[1] ? each : best), ["", 0])[0];
}

/**
 * @typedef {object} Summary of a column's answers
 * @property {number} all
 * @property {number} failed
 * @property {[string, number][]} intents with how often, the most frequent first
 * @property {number} escalated
 * @property {number} usualMs the median of the whole answers
 * @property {number | null} cost of all that have a price
 * @property {string} currency
 */

/** @param {Cell[]} cells @returns {Summary} */
export function summary(cells) {
  const answers = cells.flatMap((cell) => (cell.answer ? [cell.answer] : []));
  const good = replies(cells);
  /** @type {Map<string, number>} */
  const intents = new Map();
  for (const { intent } of good) intents.set(intent, (intents.get(intent) ?? 0) + 1);
  const times = good.map((answer) => answer.total_ms).sort((a, b) => a - b);
  const priced = answers.filter((answer) => answer.cost !== null);
  return {
    all: answers.length,
    failed: answers.length - good.length,
    intents: [...intents].sort((a, b) => b[1] - a[1]),
    escalated: good.filter((answer) => answer.escalate).length,
    usualMs: times[Math.floor(times.length / 2)] ?? 0,
    cost: priced.length > 0 ? priced.reduce((sum, answer) => sum + Number(answer.cost), 0) : null,
    currency: priced[0]?.currency ?? "",
  };
}

/**
 * @param {Column} column
 * @returns {{ book: Book, route: number | null, without: number[] }} as the server wants it
 */
export function sideOf({ book, route, without }) {
  return { book, route, without: without.map((example) => example.id) };
}
