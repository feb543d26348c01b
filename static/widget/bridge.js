// @ts-check
/**
 * Talks with the loader on the shop's page. Listens only to the window that frames the panel, and only if its origin is
 * one the server named; speaks only to that origin, once it has spoken first.
 */

/** @typedef {{ type: string, [field: string]: unknown }} Note */

const MARK = 1;

/**
 * @param {{ origins: string[], onNote: (note: Note) => void }} options
 * @returns {{ isFramed: boolean, tell: (note: Note) => void }}
 */
export function bridgeToShop({ origins, onNote }) {
  const isFramed = window.parent !== window;
  const allowed = new Set([...origins, location.origin]);
  let shop = "";
  addEventListener("message", (event) => {
    if (!isFramed || event.source !== window.parent || !allowed.has(event.origin)) return;
    if (event.data?.csbot !== MARK || typeof event.data.type !== "string") return;
    shop = event.origin;
    onNote(event.data);
  });
  return { isFramed, tell: (note) => shop && window.parent.postMessage({ csbot: MARK, ...note }, shop) };
}
