// @ts-check
/**
 * The outbox on disk: what the customer wrote and the server has not confirmed, so that a reload loses nothing.
 *
 * One key per message, so that two tabs never overwrite each other's. Both may send the same message: the server knows
 * it by its `client_id`.
 *
 * @import { Pending } from "./types.js"
 * @import { Storage } from "./storage.js"
 */

import { readJson } from "./storage.js";

const PREFIX = "out:";

/** @param {Storage} storage @param {Pending} pending */
export function keep(storage, { clientId, text, at, status, code }) {
  const isFailed = status === "failed";
  storage.set(PREFIX + clientId, JSON.stringify({ text, at, code: isFailed ? code : "" }));
}

/** @param {Storage} storage @param {string} clientId */
export const drop = (storage, clientId) => storage.remove(PREFIX + clientId);

/** @param {Storage} storage @returns {Pending[]} everything unconfirmed, in the order written */
export function unconfirmed(storage) {
  return storage
    .keys()
    .filter((key) => key.startsWith(PREFIX))
    .map((key) => readPending(key.slice(PREFIX.length), readJson(storage, key)))
    .filter((pending) => pending !== null)
    .sort((one, other) => one.at.localeCompare(other.at));
}

/** @param {string} clientId @param {unknown} value @returns {Pending | null} */
function readPending(clientId, value) {
  if (typeof value !== "object" || value === null) return null;
  const { text, at, code } = /** @type {Record<string, unknown>} */ (value);
  if (typeof text !== "string" || typeof at !== "string") return null;
  const why = typeof code === "string" ? code : "";
  return { clientId, text, at, status: why ? "failed" : "queued", code: why, retryAt: 0 };
}

/**
 * Bring the disk in line after a change of the outbox.
 *
 * @param {Storage} storage
 * @param {{ before: Pending[], after: Pending[] }} change
 */
export function save(storage, { before, after }) {
  const waiting = after.filter((pending) => pending.status !== "sent");
  const known = new Map(before.map((pending) => [pending.clientId, pending]));
  for (const pending of waiting) {
    if (known.get(pending.clientId) !== pending) keep(storage, pending);
  }
  const left = new Set(waiting.map((pending) => pending.clientId));
  for (const { clientId } of before) {
    if (!left.has(clientId)) drop(storage, clientId);
  }
}
