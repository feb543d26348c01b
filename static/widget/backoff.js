// @ts-check
/**
 * When to try again. Pure.
 *
 * Full jitter (0.5 s to 30 s): thousands of tabs that lost the same server must not come back in the same moment.
 */

const SHORTEST_MS = 500;
const LONGEST_MS = 30_000;

/**
 * @param {number} attempts failed attempts so far
 * @param {() => number} [random] in [0, 1)
 * @returns {number} milliseconds to wait
 */
export function backoff(attempts, random = Math.random) {
  const ceiling = Math.min(LONGEST_MS, 2 * SHORTEST_MS * 2 ** Math.min(attempts, 10));
  return SHORTEST_MS + random() * (ceiling - SHORTEST_MS);
}
