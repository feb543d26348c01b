// @ts-check
/**
 * The right to a conversation: a token from the server, kept for as long as it is valid.
 *
 * A visitor's token is kept across tabs. An identified customer's is kept for this tab only (the shop identifies its
 * customers on every page), so that nothing is left behind on a shared computer.
 *
 * @import { Locale } from "./types.js"
 * @import { Storage } from "./storage.js"
 */

import { readJson } from "./storage.js";

const KEY = "session";
const SOON_MS = 60_000;

/** @typedef {{ token: string, conversation: string, expires_at: string }} Session */

/** Why there is no session; `retryAfter` seconds where the server said so, `isFinal` where asking again is in vain. */
export class SessionError extends Error {
  /** @param {string} code @param {{ retryAfter?: number, isFinal?: boolean }} [details] */
  constructor(code, { retryAfter = 0, isFinal = false } = {}) {
    super(code);
    this.code = code;
    this.retryAfter = retryAfter;
    this.isFinal = isFinal;
  }
}

/** @param {Storage} storage @returns {Partial<Session>} whatever was kept, valid or not */
function kept(storage) {
  const value = readJson(storage, KEY);
  return typeof value === "object" && value !== null ? value : {};
}

/** @param {Storage} storage @param {number} now @returns {Session | null} */
export function keptSession(storage, now) {
  const session = kept(storage);
  const isValid = typeof session.token === "string" && Date.parse(session.expires_at ?? "") - SOON_MS > now;
  return isValid ? /** @type {Session} */ (session) : null;
}

/** @param {Storage} storage */
export const forgetSession = (storage) => storage.remove(KEY);

/** @param {Storage} storage the server refused the token: it is good only to go on as the same visitor */
export const expireSession = (storage) => storage.set(KEY, JSON.stringify({ ...kept(storage), expires_at: "" }));

/**
 * Ask the server for a session and keep it. Throws SessionError, or TypeError where there is no network.
 *
 * @param {Storage} storage
 * @param {{ url: string, site: string, locale: Locale, identity: string | null }} request
 * @returns {Promise<Session>}
 */
export async function newSession(storage, { url, site, locale, identity }) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    credentials: "omit",
    body: JSON.stringify({ site, locale, identity, token: kept(storage).token ?? null }),
  });
  if (!response.ok) throw await sessionError(response);
  const session = /** @type {Session} */ (await response.json());
  storage.set(KEY, JSON.stringify(session));
  return session;
}

/** @param {Response} response */
async function sessionError(response) {
  const body = /** @type {{ error?: { code?: string } } | null} */ (await response.json().catch(() => null));
  const code = body?.error?.code ?? `http_${response.status}`;
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  const isFinal = response.status === 403 || response.status === 404 || response.status === 400;
  return new SessionError(response.status === 401 ? "identity" : code, { retryAfter, isFinal });
}

/**
 * A name for whom a JWT speaks of, to tell one customer's things from another's in this browser. Proves nothing: only
 * the server checks the signature.
 *
 * @param {string} identity
 * @returns {string}
 */
export function subjectOf(identity) {
  try {
    const payload = (identity.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    const subject = JSON.parse(new TextDecoder().decode(bytes)).sub;
    return subject === undefined ? "" : String(subject);
  } catch {
    return "";
  }
}
