// @ts-check
/**
 * The page's socket to the desk: heartbeat, reconnect, and which conversation it watches. One per page.
 *
 * Reconnects with full jitter, at once when the browser comes online or the tab comes back. A socket that is silent
 * for 35 s is dead. After each connect `onReady` tells the page to look at everything again.
 */

import { backoff } from "../widget/backoff.js";

const PING_EVERY_MS = 15_000;
const DEAD_AFTER_MS = 35_000;
const SIGNED_OUT = 4401;

/** @typedef {"connecting" | "live" | "offline" | "out"} LinkStatus */
/** @typedef {Record<string, any> & { type: string }} Frame */

export class DeskLink {
  /** @type {WebSocket | null} */
  #socket = null;
  #failures = 0;
  #heardAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {number | null} */
  #watched = null;
  /** @type {Set<(frame: Frame) => void>} */
  #listeners = new Set();
  /** @type {Set<(status: LinkStatus) => void>} */
  #watchers = new Set();
  /** @type {LinkStatus} */
  status = "connecting";

  /** @param {string} path */
  constructor(path) {
    this.url = new URL(path, location.href);
    this.url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  }

  /** Connect, and stay connected. */
  start() {
    this.#connect();
    setInterval(() => this.#beat(), PING_EVERY_MS);
    addEventListener("online", () => this.#hurry());
    addEventListener("offline", () => this.#socket?.close());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#hurry());
  }

  /** @param {(frame: Frame) => void} listener */
  onFrame(listener) {
    this.#listeners.add(listener);
  }

  /** @param {(status: LinkStatus) => void} watcher told at once, and whenever the status changes */
  onStatus(watcher) {
    this.#watchers.add(watcher);
    watcher(this.status);
  }

  /** @param {number | null} conversation whose frames shall come; says so again after each reconnect */
  watch(conversation) {
    this.#watched = conversation;
    this.send({ type: "watch", conversation });
  }

  /** @param {object} frame sent if connected, else forgotten: all frames of this socket are news of the moment */
  send(frame) {
    if (this.status === "live") this.#socket?.send(JSON.stringify(frame));
  }

  #connect() {
    clearTimeout(this.#retry);
    if (this.status === "out") return;
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    this.#heardAt = Date.now();
    socket.addEventListener("message", (event) => socket === this.#socket && this.#receive(String(event.data)));
    socket.addEventListener("close", (event) => socket === this.#socket && this.#lost(event.code));
  }

  /** @param {string} data */
  #receive(data) {
    this.#heardAt = Date.now();
    /** @type {Frame} */
    const frame = JSON.parse(data);
    if (frame.type === "welcome") {
      this.#failures = 0;
      this.#set("live");
      if (this.#watched !== null) this.watch(this.#watched);
    }
    for (const listener of this.#listeners) listener(frame);
  }

  /** @param {number} code */
  #lost(code) {
    this.#socket = null;
    if (code === SIGNED_OUT) {
      this.#set("out");
      return;
    }
    this.#set(navigator.onLine ? "connecting" : "offline");
    if (this.#failures > 1) this.#set("offline");
    this.#retry = setTimeout(() => this.#connect(), backoff(this.#failures));
    this.#failures += 1;
  }

  #beat() {
    if (this.#socket && Date.now() - this.#heardAt > DEAD_AFTER_MS) {
      const dead = this.#socket;
      this.#lost(0);
      dead.close();
    } else {
      this.send({ type: "ping" });
    }
  }

  #hurry() {
    if (!this.#socket) this.#connect();
    else this.send({ type: "ping" });
  }

  /** @param {LinkStatus} status */
  #set(status) {
    if (this.status === status) return;
    this.status = status;
    for (const watcher of this.#watchers) watcher(status);
  }
}
