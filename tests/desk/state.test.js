// @ts-check
/** The conversation page's state, driven by rows and frames as they come from the server. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Drafts, newId } from "../../static/desk/drafts.js";
import { addEarlier, addPart, applyFrame, firstState, timeline } from "../../static/desk/state.js";
import { duration, fill } from "../../static/desk/words.js";

/** @typedef {import("../../static/desk/state.js").Part} Part */
/** @typedef {import("../../static/desk/state.js").MessageRow} MessageRow */
/** @typedef {import("../../static/desk/state.js").State} State */

const AT = "2026-11-24T10:00:00.000+07:00";

/** @param {number} seq @param {Partial<MessageRow>} [more] @returns {MessageRow} */
const row = (seq, more = {}) => ({
  seq,
  id: String(100 + seq),
  sender: "customer",
  text: `ข้อความ ${seq}`,
  at: AT,
  agent: "",
  run: null,
  intent: "",
  action_required: null,
  escalate: null,
  stopped: false,
  code: "",
  ...more,
});

/** @param {MessageRow[]} messages @param {Partial<Part["head"]>} [head] @returns {Part} */
const part = (messages, head = {}) => ({
  head: {
    owner: "bot",
    owner_epoch: 1,
    agent: "",
    agent_id: null,
    is_mine: false,
    can_answer: true,
    expect: null,
    head_seq: messages.at(-1)?.seq ?? 0,
    customer_seq: 0,
    answered_seq: 0,
    read_seq: 0,
    rating: null,
    rating_comment: "",
    ...head,
  },
  messages,
  runs: [],
  notes: [],
  escalations: [],
  has_earlier: false,
});

/** @param {State} state @param {...import("../../static/desk/state.js").Frame} frames */
const after = (state, ...frames) => frames.reduce((now, frame) => applyFrame(now, frame, 0), state);

/** @param {State} state */
const shown = (state) => timeline(state).map((entry) => entry.key.replace(/^d.*/, "day"));

const run = (state = "open") => ({ type: "run", id: "7", state, reply_to: 1, owner_epoch: 1 });
/** @param {number} offset @param {string} text */
const delta = (offset, text) => ({ type: "delta", run: "7", offset, text });
/** @param {number} seq @param {object} [more] */
const message = (seq, more = {}) => ({
  type: "message",
  seq,
  id: "1",
  sender: "customer",
  text: "ใหม่",
  at: AT,
  ...more,
});

test("a message shows at once and asks for its row", () => {
  const state = after(firstState(part([row(1)])), message(2));
  assert.deepEqual(shown(state), ["day", "m1", "m2"]);
  assert.ok(state.wants.refresh);
  assert.equal(state.completeSeq, 1);
});

test("the fetched row replaces what the frame showed", () => {
  const framed = after(firstState(part([row(1)])), message(2, { sender: "bot", run: "7" }));
  const state = addPart(framed, part([row(2, { sender: "bot", run: "7", intent: "จัดส่ง" })]));
  assert.equal(state.messages.get(2)?.intent, "จัดส่ง");
  assert.equal(state.completeSeq, 2);
  assert.ok(!state.wants.refresh);
});

test("a part that is behind the head asks for the rest", () => {
  const state = addPart(firstState(part([])), part([row(1), row(2)], { head_seq: 9 }));
  assert.ok(state.wants.refresh);
});

test("deltas join by their offset, whatever comes twice or overlaps", () => {
  const state = after(
    firstState(part([row(1)])),
    run(),
    delta(0, "สวัส"),
    delta(0, "สวัส"),
    delta(2, "ัสดี😀"),
    delta(7, "ค่ะ"),
  );
  assert.equal(state.live?.text, "สวัสดี😀ค่ะ");
});

test("a missing piece asks for the text so far", () => {
  const state = after(firstState(part([row(1)])), run(), delta(0, "สวัส"), delta(9, "ค่ะ"));
  assert.equal(state.live?.text, "สวัส");
  assert.ok(state.wants.snapshot);
  const again = after(state, { type: "watching", conversation: 1, run: { id: "7", text: "สวัสดีค่ะค่ะ" } });
  assert.equal(again.live?.text, "สวัสดีค่ะค่ะ");
});

test("the stored message takes the place of what was being written", () => {
  const writing = after(firstState(part([row(1)])), run(), delta(0, "สวัสดี"));
  assert.deepEqual(shown(writing), ["day", "m1", "l7"]);
  const stored = after(writing, message(2, { sender: "bot", run: "7" }), delta(6, "ช้าไป"));
  assert.deepEqual(shown(stored), ["day", "m1", "m2"]);
});

test("a take-over ends what was being written, and an older owner is ignored", () => {
  const writing = after(firstState(part([row(1)])), run(), delta(0, "สวัสดี"));
  const taken = after(writing, { type: "owner", state: "agent", agent: "นก", owner_epoch: 2 });
  assert.equal(taken.live, null);
  assert.equal(taken.head.agent, "นก");
  const late = after(taken, { type: "owner", state: "bot", owner_epoch: 1 });
  assert.equal(late.head.owner, "agent");
  assert.equal(addPart(taken, part([], { owner: "bot", owner_epoch: 1 })).head.owner, "agent");
});

test("a colleague who takes over is named at once, until it is mine again", () => {
  const mine = firstState(part([row(1)], { owner: "agent", agent: "นก", agent_id: 5, is_mine: true, owner_epoch: 2 }));
  assert.equal(mine.lostTo, "");
  const lost = after(mine, { type: "owner", state: "agent", agent: "เล็ก", owner_epoch: 3 });
  assert.deepEqual([lost.lostTo, lost.head.is_mine, lost.head.agent_id], ["เล็ก", false, null]);
  const theirs = { owner: /** @type {const} */ ("agent"), agent: "เล็ก", agent_id: 6, owner_epoch: 3 };
  const known = addPart(lost, part([], theirs));
  assert.deepEqual([known.lostTo, known.head.agent_id], ["เล็ก", 6]);
  assert.equal(addPart(mine, part([], theirs)).lostTo, "เล็ก");
  assert.equal(addPart(known, part([], { ...theirs, is_mine: true, owner_epoch: 4 })).lostTo, "");
  assert.equal(after(known, { type: "owner", state: "resolved", owner_epoch: 4 }).lostTo, "");
  assert.equal(addPart(firstState(part([row(1)])), part([], theirs)).lostTo, "");
});

test("being behind the database's head asks for the rows", () => {
  const state = firstState(part([row(1)]));
  assert.ok(after(state, { type: "head", seq: 3, owner_epoch: 1, run: 0 }).wants.refresh);
  assert.ok(!after(state, { type: "head", seq: 1, owner_epoch: 1, run: 0 }).wants.refresh);
  assert.ok(after(state, { type: "head", seq: 1, owner_epoch: 1, run: 7 }).wants.snapshot);
});

test("notes and failed runs stand where they belong", () => {
  const note = { id: 3, after_seq: 1, author: "นก", text: "โน้ต", at: AT };
  const failed = { id: "8", state: "discarded", reply_to: 1 };
  const base = part([row(1), row(2)]);
  const state = firstState({ ...base, notes: [note], runs: [/** @type {any} */ (failed)] });
  assert.deepEqual(shown(state), ["day", "m1", "r8", "n3", "m2"]);
  assert.deepEqual(shown(after(state, { ...note, type: "note", id: 4, after_seq: 2 })).at(-1), "n4");
});

test("earlier messages come before, and change nothing else", () => {
  const state = addEarlier(
    firstState({ ...part([row(5)]), has_earlier: true }),
    part([row(3), row(4)], { head_seq: 5 }),
  );
  assert.deepEqual(shown(state), ["day", "m3", "m4", "m5"]);
  assert.equal(state.completeSeq, 5);
  assert.ok(!state.hasEarlier);
});

test("the customer's typing ends by itself, or with the message", () => {
  const state = after(firstState(part([])), { type: "typing", who: "customer", ttl: 5 });
  assert.equal(state.customerTypesUntil, 5000);
  assert.equal(after(state, message(1)).customerTypesUntil, 0);
  assert.equal(after(state, { type: "typing", who: "agent", ttl: 9 }).customerTypesUntil, 5000);
});

test("frames of another time are ignored", () => {
  const state = firstState(part([row(1)]));
  assert.deepEqual(shown(after(state, { type: "constructor" }, { type: "no-such-frame" })), ["day", "m1"]);
});

/** A storage as browsers have it. */
function storage() {
  const items = new Map();
  return /** @type {Storage} */ (
    /** @type {unknown} */ ({
      getItem: (/** @type {string} */ key) => items.get(key) ?? null,
      setItem: (/** @type {string} */ key, /** @type {string} */ value) => items.set(key, value),
      removeItem: (/** @type {string} */ key) => items.delete(key),
    })
  );
}

test("the same text sent again is the same submit, another text another one", () => {
  const drafts = new Drafts(storage(), "d.");
  drafts.keep("reply", "สวัสดี");
  const first = drafts.submitId("reply", "สวัสดี");
  assert.match(first, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(drafts.submitId("reply", "สวัสดี"), first);
  assert.notEqual(drafts.submitId("reply", "สวัสดีค่ะ"), first);
  assert.equal(drafts.read("reply").text, "สวัสดีค่ะ");
  drafts.clear("reply");
  assert.equal(drafts.read("reply").text, "");
  assert.notEqual(newId(), newId());
});

test("times are said as people say them", () => {
  const words = { seconds: "%(n)s s", minutes: "%(n)s min", hours: "%(h)s h %(m)s min", days: "%(d)s d %(h)s h" };
  const said = [5, 61, 3720, 90_000, -3].map((seconds) => duration(seconds, words));
  assert.deepEqual(said, ["5 s", "1 min", "1 h 2 min", "1 d 1 h", "0 s"]);
  assert.equal(fill("%(a)s %(b)s", { a: "%(b)s" }), "%(b)s ");
});
