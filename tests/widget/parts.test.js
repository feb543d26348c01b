// @ts-check
/** The panel's small pure parts: links, back-off, outbox, colours, counting, time line. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { backoff } from "../../static/widget/backoff.js";
import { characters, dropCharacters, settledPart } from "../../static/widget/characters.js";
import { contrast, legible, textOn } from "../../static/widget/colour.js";
import { segments } from "../../static/widget/links.js";
import { notes } from "../../static/widget/notes.js";
import { keep, save, unconfirmed } from "../../static/widget/outbox.js";
import { initialState, reduce } from "../../static/widget/reducer.js";
import { keptSession, subjectOf } from "../../static/widget/session.js";
import { browserStorage, memoryStorage, within } from "../../static/widget/storage.js";
import { timeline } from "../../static/widget/timeline.js";
import { WORDS } from "../../static/widget/words.js";

/** @param {string} text @param {{ isGrowing?: boolean }} [options] */
const links = (text, options) =>
  segments(text, options)
    .filter((segment) => segment.href)
    .map((segment) => segment.text);

describe("links", () => {
  test("addresses become links exactly as written", () => {
    assert.deepEqual(links("ดูที่ https://shop.example/a?b=1&c=ก แล้วก็ HTTP://Shop.example."), [
      "https://shop.example/a?b=1&c=",
      "HTTP://Shop.example",
    ]);
  });

  test("punctuation around an address stays text", () => {
    assert.deepEqual(links("(https://a.example/x) https://a.example/y_(z)! [https://a.example]"), [
      "https://a.example/x",
      "https://a.example/y_(z)",
      "https://a.example",
    ]);
  });

  test("nothing else becomes a link", () => {
    const texts = [
      "javascript:alert(1)",
      "data:text/html,x",
      "https://",
      "https://localhost/x",
      "https://bank.example@evil.example/",
      "https://user:pass@a.example/",
      "https://shopไทย.example/",
      "https://аpple.example/",
      "ftp://a.example",
      "shop.example/path",
      "<a href='x'>y</a>",
    ];
    for (const text of texts) assert.deepEqual(links(text), [], text);
  });

  test("the text is always whole", () => {
    const text = "a https://a.example/x, b (https://b.example) c";
    const joined = segments(text).map((segment) => segment.text);
    assert.equal(joined.join(""), text);
  });

  test("an address at the end of a growing text is not a link yet", () => {
    assert.deepEqual(links("ดู https://shop.exa", { isGrowing: true }), []);
    assert.deepEqual(links("ดู https://shop.example/a ค่ะ", { isGrowing: true }), ["https://shop.example/a"]);
  });
});

describe("back-off", () => {
  test("waits between 0.5 and 30 seconds, longer with each failure, spread over the whole range", () => {
    for (let failures = 0; failures < 2000; failures += 1) {
      for (const random of [0, 0.5, 0.999999]) {
        const wait = backoff(failures, () => random);
        assert.ok(wait >= 500 && wait <= 30_000);
      }
    }
    assert.equal(
      backoff(50, () => 0),
      500,
    );
    assert.ok(backoff(50, () => 0.999999) > 29_000);
    assert.ok(backoff(0, () => 0.999999) <= 1000);
  });
});

describe("the outbox on disk", () => {
  const at = "2026-11-01T10:00:00.000Z";
  const item = { clientId: "a", text: "สวัสดี", at, status: /** @type {const} */ ("queued"), code: "", retryAt: 0 };

  test("survives a reload and goes when the message is stored", () => {
    const disk = memoryStorage();
    save(disk, { before: [], after: [item] });
    assert.deepEqual(unconfirmed(disk), [item]);
    save(disk, { before: [item], after: [{ ...item, status: "sent" }] });
    assert.deepEqual(unconfirmed(disk), []);
  });

  test("remembers why a message was refused, and sends what was under way again", () => {
    const disk = memoryStorage();
    keep(disk, { ...item, status: "failed", code: "too_long" });
    assert.equal(unconfirmed(disk)[0]?.status, "failed");
    keep(disk, { ...item, status: "sending" });
    assert.equal(unconfirmed(disk)[0]?.status, "queued");
  });

  test("two tabs don't overwrite each other, and nonsense on disk is no message", () => {
    const disk = memoryStorage();
    keep(disk, item);
    keep(disk, { ...item, clientId: "b", at: "2026-11-01T09:00:00.000Z" });
    disk.set("out:c", "{broken");
    disk.set("out:d", "[]");
    assert.deepEqual(
      unconfirmed(disk).map((pending) => pending.clientId),
      ["b", "a"],
    );
  });

  test("works in memory where the browser forbids storage", () => {
    const page = {
      /** @returns {globalThis.Storage} */
      get localStorage() {
        throw new DOMException("no", "SecurityError");
      },
      sessionStorage: /** @type {any} */ (null),
    };
    const disk = within(browserStorage("localStorage", page), "csbot:");
    disk.set("x", "1");
    assert.deepEqual([disk.get("x"), disk.keys()], ["1", ["x"]]);
    disk.remove("x");
    assert.equal(disk.get("x"), null);
  });
});

describe("sessions", () => {
  test("a kept session is used until shortly before it ends", () => {
    const disk = memoryStorage();
    disk.set("session", JSON.stringify({ token: "t", conversation: "c", expires_at: "2026-11-01T10:00:00Z" }));
    assert.equal(keptSession(disk, Date.parse("2026-11-01T09:00:00Z"))?.token, "t");
    assert.equal(keptSession(disk, Date.parse("2026-11-01T09:59:30Z")), null);
    disk.set("session", "nonsense");
    assert.equal(keptSession(disk, 0), null);
  });

  test("the subject of an identity separates customers, and nonsense has none", () => {
    const payload = Buffer.from(JSON.stringify({ sub: "ลูกค้า-1" })).toString("base64url");
    assert.equal(subjectOf(`x.${payload}.y`), "ลูกค้า-1");
    assert.equal(subjectOf("nonsense"), "");
  });
});

describe("colours", () => {
  test("text on the shop's colour can be read, whatever the colour", () => {
    for (let value = 0; value <= 0xffffff; value += 4099) {
      const colour = `#${value.toString(16).padStart(6, "0")}`;
      assert.ok(contrast(textOn(colour), colour) >= 4.5, colour);
      for (const background of ["#ffffff", "#1b1d22"]) {
        assert.ok(contrast(legible(colour, { background }), background) >= 4.5, `${colour} on ${background}`);
      }
    }
  });

  test("a colour that can be read stays as it is", () => {
    assert.equal(legible("#0f766e", { background: "#ffffff" }), "#0f766e");
  });
});

describe("counting", () => {
  test("characters are code points, also where a surrogate is alone", () => {
    assert.equal(characters("กำ😀\ud800x"), [..."กำ😀\ud800x"].length);
    assert.equal(dropCharacters("😀ab", 1), "ab");
    assert.equal(dropCharacters("ab", 5), "");
  });

  test("with less motion, text settles clause by clause", () => {
    assert.equal(settledPart("สวัสดีค่ะ ร้านเปิด"), "สวัสดีค่ะ");
    assert.equal(settledPart("สวัส"), "");
  });
});

describe("the time line", () => {
  const at = "2026-11-01T10:00:00.000Z";
  const bare = { type: /** @type {const} */ ("compose"), clientId: "a", text: "hi", at };

  test("a bubble keeps its key from written to stored, and from first piece to message", () => {
    const written = reduce(initialState(), bare);
    const keys = (/** @type {import("../../static/widget/types.js").State} */ state) =>
      timeline(state, { greeting: "g", now: 0 }).map((item) => item.key);
    assert.ok(keys(written).includes("c:a"));
    const empty = { run: "", agent: "", code: "", stopped: false };
    const message = { ...empty, seq: 1, sender: /** @type {const} */ ("customer"), text: "hi", at, clientId: "a" };
    const stored = { ...written, outbox: [], messages: [message], afterSeq: 1 };
    assert.ok(keys(stored).includes("c:a"));
    const run = { id: "7", text: "x", length: 1, epoch: 1, isOpen: true, isStale: false };
    assert.ok(keys({ ...stored, run }).includes("r:7"));
    const reply = { ...message, seq: 2, sender: /** @type {const} */ ("bot"), clientId: "", run: "7" };
    assert.ok(keys({ ...stored, messages: [message, reply] }).includes("r:7"));
  });

  test("the rating is asked for only after something was resolved", () => {
    const owner = { state: /** @type {const} */ ("resolved"), epoch: 3, agent: "", expect: null };
    const kinds = timeline({ ...initialState(), owner }, { greeting: "g", now: 0 }).map((item) => item.kind);
    assert.ok(!kinds.includes("rating"));
  });

  test("the shop's page hears of messages, never of their words", () => {
    const before = initialState();
    const news = { key: 2, sender: /** @type {const} */ ("bot"), text: "secret" };
    const told = JSON.stringify(notes(before, { ...before, news }));
    assert.ok(told.includes('"message"') && !told.includes("secret"));
  });
});

describe("the source", () => {
  const folder = new URL("../../static/widget/", import.meta.url);
  const scripts = readdirSync(folder).filter((name) => name.endsWith(".js"));

  test("both languages say the same things", () => {
    assert.deepEqual(Object.keys(WORDS.en), Object.keys(WORDS.th));
    assert.equal(WORDS.en.scores.length, 5);
  });

  test("no script turns text into markup or code, and every script is type-checked", () => {
    const forbidden =
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|createContextualFragment/;
    for (const name of scripts) {
      const source = readFileSync(new URL(name, folder), "utf-8");
      assert.ok(source.startsWith("// @ts-check\n"), name);
      assert.doesNotMatch(source, forbidden, name);
    }
  });
});
