// @ts-check
/** The playground's state and comparison, driven by frames as they come from the server. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { compare } from "../../static/desk/playground_diff.js";
import {
  addColumn,
  applyFrame,
  begin,
  changeColumn,
  firstState,
  likeness,
  lose,
  removeColumn,
  sideOf,
  summary,
  tryWithout,
} from "../../static/desk/playground_state.js";

/** @typedef {import("../../static/desk/playground_state.js").Answer} Answer */

/** @param {Partial<Answer>} [more] @returns {Answer} */
const answer = (more = {}) => ({
  error: "",
  response: "7 วันค่ะ",
  intent: "คืนสินค้า",
  action_required: false,
  escalate: false,
  guards: [],
  repairs: [],
  raw: "",
  who: "a / b",
  first_token_ms: 400,
  total_ms: 1000,
  prompt_tokens: 100,
  cached_tokens: 60,
  completion_tokens: 20,
  reasoning_tokens: 0,
  cost: "0.001",
  currency: "USD",
  ...more,
});

/** @param {number} [samples] */
const asked = (samples = 1) => begin(firstState(), [0, 1], { question: "คืนได้ไหม", samples });

test("an answer grows as it is written, then stands with all it took", () => {
  let state = asked();
  for (const frame of [
    { type: "begin", id: 1, side: 1, sample: 0 },
    { type: "delta", id: 1, side: 1, sample: 0, text: "7 " },
    { type: "delta", id: 1, side: 1, sample: 0, text: "วัน" },
  ])
    state = applyFrame(state, frame);
  assert.equal(state.columns[1]?.cells[0]?.text, "7 วัน");
  assert.equal(state.columns[0]?.cells[0]?.isBegun, false);
  state = applyFrame(state, { type: "answer", id: 1, side: 1, sample: 0, ...answer() });
  assert.equal(state.columns[1]?.cells[0]?.answer?.response, "7 วันค่ะ");
  state = applyFrame(state, { type: "answer", id: 1, side: 0, sample: 0, ...answer() });
  assert.equal(applyFrame(state, { type: "done", id: 1 }).isAsking, false);
});

test("frames of an earlier question change nothing", () => {
  const state = begin(asked(), [0], { question: "ข้อใหม่", samples: 1 });
  assert.equal(applyFrame(state, { type: "delta", id: 1, side: 0, sample: 0, text: "เก่า" }), state);
  assert.equal(state.columns[1]?.cells.length, 0);
});

test("asking one column alone keeps what the others answered to the same question", () => {
  let state = asked();
  state = applyFrame(state, { type: "answer", id: 1, side: 0, sample: 0, ...answer() });
  state = applyFrame(state, { type: "done", id: 1 });
  const tried = tryWithout(state, 1, { id: 5, text: "ตัวอย่าง" });
  assert.equal(tried.key, 2);
  state = begin(tried.state, [tried.key], { question: "คืนได้ไหม", samples: 1 });
  assert.equal(state.columns[0]?.cells[0]?.answer?.response, "7 วันค่ะ");
  state = applyFrame(state, { type: "delta", id: 2, side: 0, sample: 0, text: "ไม่ทราบ" });
  assert.equal(state.columns[2]?.cells[0]?.text, "ไม่ทราบ");
  assert.deepEqual(state.columns[2] && sideOf(state.columns[2]), { book: "draft", route: null, without: [5] });
});

test("leaving out a second example of the same column adds to it instead of a fourth column", () => {
  const first = tryWithout(firstState(), 1, { id: 5, text: "" });
  const second = tryWithout(first.state, first.key, { id: 6, text: "" });
  assert.deepEqual(
    second.state.columns.map((each) => each.without.length),
    [0, 0, 2],
  );
  const third = tryWithout(second.state, 0, { id: 7, text: "" });
  assert.equal(third.state.columns.length, 3);
  assert.deepEqual(
    third.state.columns.map((each) => each.without.map((one) => one.id)),
    [[], [], [7]],
  );
});

test("what is changed no longer shows what it answered before", () => {
  let state = applyFrame(asked(), { type: "answer", id: 1, side: 0, sample: 0, ...answer() });
  state = applyFrame(state, { type: "done", id: 1 });
  state = changeColumn(state, 0, { book: 3 });
  assert.deepEqual(state.columns[0]?.cells, []);
});

test("columns are added and removed within bounds", () => {
  let state = addColumn(addColumn(firstState()));
  assert.equal(state.columns.length, 3);
  assert.equal(new Set(state.columns.map((each) => each.key)).size, 3);
  for (const key of [0, 1, 2]) state = removeColumn(state, key);
  assert.equal(state.columns.length, 1);
});

test("a refusal or a broken connection ends the question and says why", () => {
  const refused = applyFrame(asked(), { type: "refused", id: 1, code: "budget" });
  assert.deepEqual([refused.trouble, refused.isAsking, refused.columns[0]?.cells], ["refused_budget", false, []]);
  let state = applyFrame(asked(2), { type: "answer", id: 1, side: 0, sample: 0, ...answer() });
  state = lose(state);
  assert.deepEqual([state.trouble, state.columns[0]?.cells.length, state.columns[1]?.cells.length], ["lost", 1, 0]);
  assert.equal(lose(firstState()).trouble, "");
});

test("two answers are the same, said otherwise, or decided otherwise", () => {
  /** @param {...(Partial<Answer> | null)} all */
  const cells = (...all) =>
    all.map((each, at) => ({ key: String(at), isBegun: true, text: "", answer: each && answer(each) }));
  const one = cells({});
  assert.equal(likeness(one, cells({})), "same");
  assert.equal(likeness(one, cells({ response: "14 วันค่ะ" })), "other_words");
  assert.equal(likeness(one, cells({ escalate: true })), "other_decision");
  assert.equal(likeness(one, cells({}, { escalate: true }, {})), "same");
  assert.equal(likeness(one, cells({ escalate: true }, { escalate: true }, {})), "other_decision");
  assert.equal(likeness(one, cells({ error: "invalid" }, null)), "");
});

test("several answers are summed up", () => {
  const answers = [
    answer(),
    answer({ intent: "อื่นๆ", escalate: true, total_ms: 3000 }),
    answer({ error: "server", cost: null }),
  ];
  const cells = answers.map((each, at) => ({ key: String(at), isBegun: true, text: "", answer: each }));
  const all = summary([...cells, { key: "3", isBegun: false, text: "", answer: null }]);
  assert.deepEqual([all.all, all.failed, all.escalated, all.usualMs], [3, 1, 1, 3000]);
  assert.deepEqual(all.intents, [
    ["คืนสินค้า", 1],
    ["อื่นๆ", 1],
  ]);
  assert.equal(all.cost, 0.002);
  assert.equal(summary(cells.slice(2)).cost, null);
});

test("new words are marked, in Thai too", () => {
  const pieces = compare("คืนสินค้าได้ภายใน 7 วันค่ะ", "คืนสินค้าได้ภายใน 14 วันค่ะ");
  assert.deepEqual(
    pieces.filter((each) => each.isNew).map((each) => each.text),
    ["14"],
  );
  assert.equal(pieces.map((each) => each.text).join(""), "คืนสินค้าได้ภายใน 14 วันค่ะ");
  assert.deepEqual(compare("", "ใหม่"), [{ text: "ใหม่", isNew: true }]);
  assert.deepEqual(compare("เดิม", "เดิม"), [{ text: "เดิม", isNew: false }]);
});

test("what is joined from its pieces is always the new text, however long", () => {
  for (const text of ["a b ".repeat(300), "<b>\u202e😀ก็".repeat(20), ""]) {
    assert.equal(
      compare("a c ".repeat(100), text)
        .map((each) => each.text)
        .join(""),
      text,
    );
  }
});
