// @ts-check
/**
 * The panel's state, driven by frames as they come over the wire.
 *
 * @import { Action, State } from "../../static/widget/types.js"
 */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readFrame } from "../../static/widget/frames.js";
import { initialState, nextToSend, reduce, unreadCount, unsentCount } from "../../static/widget/reducer.js";

const AT = "2026-11-01T10:00:00.000+07:00";

/** @param {object} json @param {number} [now] @returns {Action} */
function frame(json, now = 0) {
  const read = readFrame(JSON.stringify(json));
  assert.ok(read, `not a frame: ${JSON.stringify(json)}`);
  return { type: "frame", frame: read, now };
}

/** @param {State} state @param {...(Action | object)} actions frames as JSON, or actions with `does` */
function after(state, ...actions) {
  return actions.reduce(
    (/** @type {State} */ now, action) =>
      reduce(now, "does" in action ? /** @type {Action} */ (action.does) : frame(action)),
    state,
  );
}

/** @param {object} [more] */
const welcome = (more = {}) => ({
  type: "welcome",
  v: 1,
  conversation: "c1",
  head_seq: 0,
  owner: "bot",
  owner_epoch: 1,
  locale: "th",
  limits: { max_chars: 100 },
  run: null,
  ...more,
});
/** @param {number} seq @param {object} [more] */
const message = (seq, more = {}) => ({
  type: "message",
  seq,
  id: String(seq),
  sender: "bot",
  text: `m${seq}`,
  at: AT,
  ...more,
});
/** @param {string} id @param {string} state @param {number} [epoch] */
const run = (id, state, epoch = 1) => ({ type: "run", id, state, reply_to: 1, owner_epoch: epoch });
/** @param {string} id @param {number} offset @param {string} text */
const delta = (id, offset, text) => ({ type: "delta", run: id, offset, text });
/** @param {string} state @param {number} epoch @param {object} [more] */
const owner = (state, epoch, more = {}) => ({ type: "owner", state, owner_epoch: epoch, ...more });
/** @param {string} clientId @param {string} [text] */
const compose = (clientId, text = "hello") => ({ does: { type: "compose", clientId, text, at: AT } });
/** @param {string} clientId @param {number} seq */
const ack = (clientId, seq) => ({ type: "ack", client_id: clientId, seq, at: AT });

const online = after(initialState(), welcome());

describe("sending", () => {
  test("a message waits for the welcome, goes out once, and leaves the outbox when it is stored", () => {
    const offline = after(initialState(), compose("a"));
    assert.equal(nextToSend(offline), null);
    assert.equal(unsentCount(offline), 1);
    const welcomed = after(offline, welcome());
    assert.equal(nextToSend(welcomed)?.clientId, "a");
    const sending = after(welcomed, { does: { type: "sending", clientId: "a" } });
    assert.equal(nextToSend(sending), null);
    const stored = after(sending, ack("a", 1));
    assert.deepEqual([stored.outbox, stored.messages.map((one) => one.text), stored.afterSeq], [[], ["hello"], 1]);
  });

  test("the ack and the message may come in either order, and the message is shown once", () => {
    const mine = message(1, { sender: "customer", client_id: "a", text: "hello" });
    const either = [
      [ack("a", 1), mine],
      [mine, ack("a", 1)],
    ];
    for (const frames of either) {
      const state = after(online, compose("a"), { does: { type: "sending", clientId: "a" } }, ...frames);
      assert.deepEqual([state.messages.length, state.outbox.length, state.gaps], [1, 0, 0]);
    }
  });

  test("an ack that overtook somebody else's message waits for it instead of asking again", () => {
    const early = after(online, compose("a"), ack("a", 2));
    assert.deepEqual([early.outbox[0]?.status, early.gaps, early.afterSeq], ["sent", 0, 0]);
    const late = after(early, message(1), message(2, { sender: "customer", client_id: "a", text: "hello" }));
    assert.deepEqual([late.outbox.length, late.messages.length, late.gaps], [0, 2, 0]);
  });

  test("a lost connection puts what was under way back in the queue, in its order", () => {
    const broken = after(
      online,
      compose("a"),
      compose("b"),
      { does: { type: "sending", clientId: "a" } },
      {
        does: { type: "offline" },
      },
    );
    assert.deepEqual(
      broken.outbox.map((item) => [item.clientId, item.status]),
      [
        ["a", "queued"],
        ["b", "queued"],
      ],
    );
    assert.equal(nextToSend(after(broken, welcome()))?.clientId, "a");
  });

  test("a second message does not overtake one that was refused for going too fast", () => {
    const nack = { type: "nack", client_id: "a", code: "rate_limited", message: "", retry_after: 3 };
    const held = after(online, compose("a"), { does: { type: "sending", clientId: "a" } }, compose("b"), nack);
    assert.equal(nextToSend(held), null);
    const due = reduce(held, { type: "tick", now: 3000 });
    assert.equal(nextToSend(due)?.clientId, "a");
  });

  test("a message that can't be stored stays visible and lets the next one pass", () => {
    const nack = { type: "nack", client_id: "a", code: "too_long", message: "" };
    const state = after(online, compose("a"), { does: { type: "sending", clientId: "a" } }, nack, compose("b"));
    assert.deepEqual(
      state.outbox.map((item) => [item.clientId, item.status]),
      [
        ["a", "failed"],
        ["b", "queued"],
      ],
    );
    assert.equal(nextToSend(state)?.clientId, "b");
  });

  test("a message without an answer can be tried again", () => {
    const stuck = after(
      online,
      compose("a"),
      { does: { type: "sending", clientId: "a" } },
      {
        does: { type: "overdue", clientId: "a" },
      },
    );
    assert.equal(stuck.outbox[0]?.status, "failed");
    assert.equal(nextToSend(after(stuck, { does: { type: "retry", clientId: "a" } }))?.clientId, "a");
  });

  test("what another tab wrote is taken up once", () => {
    const item = { clientId: "a", text: "x", at: AT, status: /** @type {const} */ ("queued"), code: "", retryAt: 0 };
    const twice = after(
      online,
      { does: { type: "restore", pending: [item] } },
      { does: { type: "restore", pending: [item] } },
    );
    assert.equal(twice.outbox.length, 1);
    const stored = after(twice, message(1, { sender: "customer", client_id: "a" }));
    assert.equal(after(stored, { does: { type: "restore", pending: [item] } }).outbox.length, 0);
  });
});

describe("catching up", () => {
  test("the panel says it is catching up until the head is reached", () => {
    const welcomed = after(initialState(), welcome({ head_seq: 2 }));
    assert.equal(welcomed.link, "catching_up");
    assert.equal(after(welcomed, message(1)).link, "catching_up");
    assert.equal(after(welcomed, message(1), message(2)).link, "online");
  });

  test("a message that came before is not shown twice", () => {
    const state = after(online, message(1), message(1));
    assert.deepEqual([state.messages.length, state.gaps], [1, 0]);
  });

  test("a gap in the messages calls for a new hello and shows nothing out of order", () => {
    const state = after(online, message(1), message(3));
    assert.deepEqual([state.messages.length, state.afterSeq, state.gaps], [1, 1, 1]);
  });

  test("another conversation replaces everything but what the customer still wants to say", () => {
    const state = after(online, message(1), compose("a"), welcome({ conversation: "c2", head_seq: 3 }));
    assert.deepEqual([state.messages.length, state.outbox.length, state.afterSeq, state.gaps], [0, 1, 0, 1]);
  });

  test("only what came after the first look is news", () => {
    const history = after(initialState(), welcome({ head_seq: 1 }), message(1));
    assert.equal(history.news, null);
    const live = after(history, message(2, { text: "new" }));
    assert.equal(live.news?.text, "new");
    const missed = after(
      history,
      { does: { type: "offline" } },
      welcome({ head_seq: 2 }),
      message(2, { text: "missed" }),
    );
    assert.equal(missed.news?.text, "missed");
  });
});

describe("a reply being written", () => {
  test("pieces grow it, and its message replaces it", () => {
    const growing = after(online, run("7", "open"), delta("7", 0, "สวัส"), delta("7", 4, "ดี"));
    assert.equal(growing.run?.text, "สวัสดี");
    const stored = after(growing, message(1, { run: "7", text: "สวัสดีค่ะ" }), run("7", "closed"));
    assert.deepEqual([stored.run, stored.messages[0]?.text], [null, "สวัสดีค่ะ"]);
  });

  test("offsets count characters, not UTF-16 units", () => {
    const state = after(online, run("7", "open"), delta("7", 0, "😀😀"), delta("7", 2, "ok"));
    assert.deepEqual([state.run?.text, state.gaps], ["😀😀ok", 0]);
  });

  test("a piece that overlaps adds only what is new", () => {
    const state = after(online, run("7", "open"), delta("7", 0, "abc"), delta("7", 1, "bcd"), delta("7", 0, "ab"));
    assert.equal(state.run?.text, "abcd");
  });

  test("a lost piece calls for a new hello, whose snapshot closes the gap", () => {
    const torn = after(online, run("7", "open"), delta("7", 0, "abc"), delta("7", 5, "fg"));
    assert.deepEqual([torn.run?.text, torn.gaps], ["abc", 1]);
    const whole = after(torn, welcome({ run: { id: "7", text: "abcdefg" } }), delta("7", 7, "h"));
    assert.deepEqual([whole.run?.text, whole.gaps], ["abcdefgh", 1]);
  });

  test("a second tab takes it up from the welcome", () => {
    const state = after(initialState(), welcome({ run: { id: "7", text: "abc" } }), delta("7", 3, "d"));
    assert.equal(state.run?.text, "abcd");
  });

  test("a reconnect keeps the text on the screen until its message has come", () => {
    const state = after(
      online,
      run("7", "open"),
      delta("7", 0, "abc"),
      { does: { type: "offline" } },
      welcome({ head_seq: 2 }),
    );
    assert.equal(state.run?.text, "abc");
    assert.equal(after(state, message(1), message(2, { run: "7" })).run, null);
    assert.equal(after(state, message(1), message(2)).run, null, "it was thrown away meanwhile");
  });

  test("a thrown-away reply disappears, and its late pieces stay away", () => {
    const state = after(online, run("7", "open"), delta("7", 0, "abc"), run("7", "discarded"), delta("7", 0, "abcd"));
    assert.equal(state.run, null);
  });

  test("a closed reply stays until its message comes", () => {
    const closed = after(online, run("7", "open"), delta("7", 0, "abc"), run("7", "closed"));
    assert.deepEqual([closed.run?.text, closed.run?.isOpen], ["abc", false]);
  });

  test("pieces without a run frame begin a reply, or call for a hello in the middle", () => {
    assert.equal(after(online, delta("7", 0, "abc")).run?.text, "abc");
    assert.equal(after(online, delta("7", 3, "abc")).gaps, 1);
  });
});

describe("who answers", () => {
  test("a person who takes over ends the bot's reply and whatever comes of it later", () => {
    const taken = after(online, run("7", "open"), delta("7", 0, "abc"), owner("agent", 2, { agent: "Nat" }));
    assert.deepEqual([taken.run, taken.owner.agent], [null, "Nat"]);
    const late = after(taken, delta("7", 3, "d"), run("7", "open", 1), run("8", "open", 1), delta("8", 0, "x"));
    assert.equal(late.run, null);
  });

  test("an older owner frame changes nothing", () => {
    const state = after(online, owner("agent", 3, { agent: "Nat" }), owner("bot", 2));
    assert.deepEqual([state.owner.state, state.owner.epoch], ["agent", 3]);
  });

  test("after a hand-back the bot may write again", () => {
    const state = after(online, owner("agent", 2), owner("bot", 3), run("9", "open", 3), delta("9", 0, "hi"));
    assert.equal(state.run?.text, "hi");
  });

  test("the wish for a person survives a lost connection and ends when somebody has it", () => {
    const asked = after(online, { does: { type: "want_human" } }, { does: { type: "asked_human" } });
    assert.equal(after(asked, { does: { type: "offline" } }).human, "wanted");
    const expect = { on_duty: true, until: AT, message: "soon" };
    const waiting = after(asked, owner("waiting", 2, { expect }));
    assert.deepEqual([waiting.human, waiting.owner.expect?.message], ["none", "soon"]);
    assert.equal(after(waiting, { does: { type: "want_human" } }).human, "none");
  });

  test("a refused wish is told and can be made again", () => {
    const state = after(
      online,
      { does: { type: "want_human" } },
      { does: { type: "asked_human" } },
      {
        type: "error",
        code: "rate_limited",
        message: "",
      },
    );
    assert.deepEqual([state.human, state.notice], ["none", "rate_limited"]);
  });

  test("a rating belongs to the resolution it was given for", () => {
    const rated = after(online, owner("resolved", 4), { does: { type: "rate", score: 5, comment: "" } });
    assert.deepEqual([rated.rating?.score, rated.rating?.status], [5, "queued"]);
    assert.equal(after(rated, owner("bot", 5), owner("resolved", 6)).rating, null);
  });

  test("the welcome's owner is understood flat or nested", () => {
    const nested = after(initialState(), welcome({ owner: { state: "waiting", owner_epoch: 4 } }));
    assert.deepEqual([nested.owner.state, nested.owner.epoch], ["waiting", 4]);
    const flat = after(initialState(), welcome({ owner: "agent", owner_epoch: 5, agent: "Nat" }));
    assert.deepEqual([flat.owner.state, flat.owner.epoch, flat.owner.agent], ["agent", 5, "Nat"]);
  });
});

describe("typing and unread", () => {
  test("typing ends by itself, by a message, and when the connection is lost", () => {
    const typing = after(online, { type: "typing", who: "agent", ttl: 5 });
    assert.ok(typing.typing);
    assert.equal(reduce(typing, { type: "tick", now: 5000 }).typing, null);
    assert.equal(after(typing, message(1, { sender: "agent" })).typing, null);
    assert.equal(after(typing, { does: { type: "offline" } }).typing, null);
    assert.equal(after(online, { type: "typing", who: "customer", ttl: 5 }).typing, null);
  });

  test("replies count as unread while the panel is closed, own messages and lines don't", () => {
    const state = after(
      online,
      message(1),
      message(2, { sender: "customer" }),
      message(3),
      message(4, { sender: "system" }),
    );
    assert.equal(unreadCount(state), 1);
    assert.equal(unreadCount(reduce(state, { type: "open", isOpen: true })), 0);
    assert.equal(unreadCount(reduce(state, { type: "seen", seq: 4 })), 0);
  });
});

describe("frames", () => {
  test("what is not a frame is no frame", () => {
    for (const data of [
      "",
      "x",
      "[]",
      "null",
      "1",
      '{"type":"constructor"}',
      '{"type":"new_thing"}',
      '{"type":"owner"}',
    ]) {
      assert.equal(readFrame(data), null, data);
    }
    assert.equal(readFrame(new ArrayBuffer(2)), null);
    assert.equal(readFrame('{"type":"message","seq":"1","sender":"bot"}'), null);
  });

  test("no shape of a frame breaks the state", () => {
    for (const type of ["welcome", "message", "ack", "nack", "run", "delta", "owner", "typing", "error", "go_away"]) {
      for (const value of [null, [], {}, 1, "x", true, -1, 1.5]) {
        const read = readFrame(
          JSON.stringify({ type, seq: value, owner: value, run: value, text: value, offset: value, limits: value }),
        );
        if (read) assert.ok(reduce(online, { type: "frame", frame: read, now: 0 }));
      }
    }
  });
});
