// @ts-check
/**
 * Keeps a socket to the server for as long as it is wanted: hello, heartbeat, reconnect. Knows no message and no state
 * of the conversation.
 *
 * A silent socket is suspect after 10 s (ping) and dead after 20 s. Reconnects with full jitter; at once, but only
 * once, when the browser comes online or the tab comes back.
 *
 * @import { Frame } from "./types.js"
 */

import { backoff } from "./backoff.js";
import { readFrame } from "./frames.js";

const PING_AFTER_MS = 10_000;
const DEAD_AFTER_MS = 20_000;
const WELCOME_WITHIN_MS = 15_000;
const REFUSED = 4401;

/**
 * @typedef {object} Handlers
 * @property {() => Promise<object>} hello makes the first frame; may throw (see `onTrouble`)
 * @property {(frame: Frame) => void} onFrame
 * @property {(status: "connecting" | "offline") => void} onStatus
 * @property {(error: unknown) => { isFinal: boolean, retryAfter: number }} onTrouble told why there is no hello
 * @property {() => void} onRefused the server did not take the hello's token
 */

export class Connection {
  /** @type {WebSocket | null} */
  #socket = null;
  #isWanted = false;
  #isWelcome = false;
  #isAsking = false;
  /** Grows with every attempt; what belongs to an older one is ignored. */
  #attempt = 0;
  #failures = 0;
  #heardAt = 0;
  #leaveBy = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #heartbeat;

  /** @param {string} url @param {Handlers} handlers */
  constructor(url, handlers) {
    this.url = url;
    this.handlers = handlers;
    addEventListener("online", () => this.retryNow());
    addEventListener("offline", () => this.#lost({ isOffline: true }));
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#wake());
    addEventListener("focus", () => this.#wake());
  }

  /** Connect, and stay connected. */
  start() {
    if (this.#isWanted) return;
    this.#isWanted = true;
    void this.#connect();
  }

  /** Disconnect, and stay so. */
  stop() {
    this.#isWanted = false;
    this.#drop();
  }

  /** Say hello anew, on a new socket: something was missed, or the language changed. */
  restart() {
    if (!this.#isWanted) return;
    this.#drop();
    void this.#connect();
  }

  /** Try at once instead of after the current wait, unless connected. */
  retryNow() {
    this.#failures = 0;
    if (this.#isWanted && !this.#socket && !this.#isAsking) this.restart();
  }

  /** @param {object} frame @returns {boolean} whether it went out (not whether it arrived) */
  send(frame) {
    if (!this.#isWelcome || this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  async #connect() {
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.handlers.onStatus(navigator.onLine ? "connecting" : "offline");
    this.#isAsking = true;
    try {
      const hello = await this.handlers.hello();
      if (attempt === this.#attempt) this.#open(hello);
    } catch (error) {
      if (attempt === this.#attempt) this.#troubled(error);
    } finally {
      if (attempt === this.#attempt) this.#isAsking = false;
    }
  }

  /** @param {unknown} error */
  #troubled(error) {
    const { isFinal, retryAfter } = this.handlers.onTrouble(error);
    if (isFinal) this.stop();
    else this.#lost({ waitMs: retryAfter * 1000 });
  }

  /** @param {object} hello */
  #open(hello) {
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    this.#heardAt = Date.now();
    socket.addEventListener("open", () => socket.send(JSON.stringify(hello)));
    socket.addEventListener("message", (event) => socket === this.#socket && this.#heard(event.data));
    socket.addEventListener("close", (event) => socket === this.#socket && this.#closed(event.code));
    this.#heartbeat = setInterval(() => this.#beat(), PING_AFTER_MS / 2);
  }

  /** @param {unknown} data */
  #heard(data) {
    this.#heardAt = Date.now();
    const frame = readFrame(data);
    if (!frame) return;
    if (frame.type === "welcome") {
      this.#isWelcome = true;
      this.#failures = 0;
    }
    if (frame.type === "go_away") this.#leaveSoon(frame.delay);
    else this.handlers.onFrame(frame);
  }

  #beat() {
    const silence = Date.now() - this.#heardAt;
    if (silence > (this.#isWelcome ? DEAD_AFTER_MS : WELCOME_WITHIN_MS)) this.#lost();
    else if (silence >= PING_AFTER_MS) this.send({ type: "ping" });
  }

  /** @param {number} seconds the time over which the server wants its clients to leave */
  #leaveSoon(seconds) {
    const waitMs = Math.random() * seconds * 1000;
    this.#leaveBy = Date.now() + waitMs;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.restart(), waitMs);
  }

  /** @param {number} code */
  #closed(code) {
    if (code === REFUSED) this.handlers.onRefused();
    // A server that goes down may close before our turn to come back, which it chose so that not all come at once.
    this.#lost({ waitMs: Math.max(0, this.#leaveBy - Date.now()) });
  }

  /** @param {{ waitMs?: number, isOffline?: boolean }} [why] */
  #lost({ waitMs = 0, isOffline = false } = {}) {
    if (!this.#isWanted) return;
    const wasWelcome = this.#isWelcome;
    this.#drop();
    this.handlers.onStatus(wasWelcome && !isOffline && navigator.onLine ? "connecting" : "offline");
    const wait = Math.max(waitMs, backoff(this.#failures));
    this.#failures += 1;
    this.#retry = setTimeout(() => void this.#connect(), wait);
  }

  #wake() {
    if (!this.#socket) this.retryNow();
    // A phone that slept may hold a dead socket: ask now, not at the next beat.
    else this.send({ type: "ping" });
  }

  #drop() {
    this.#attempt += 1;
    this.#isWelcome = false;
    this.#isAsking = false;
    this.#leaveBy = 0;
    clearTimeout(this.#retry);
    clearInterval(this.#heartbeat);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}
