// @ts-check
/** Text counted and cut as the protocol does, in code points, never inside a surrogate pair. Pure. */

/** @param {string} text @returns {number} characters (code points) */
export function characters(text) {
  let count = 0;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    const isPair = unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
    if (isPair) i += 1;
    count += 1;
  }
  return count;
}

/** @param {string} text @param {number} count @returns {string} the text without its first `count` characters */
export function dropCharacters(text, count) {
  let at = 0;
  for (let left = count; left > 0 && at < text.length; left -= 1) {
    at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
  }
  return text.slice(at);
}

/**
 * What to show of a growing text to people who asked for less motion: whole lines and clauses.
 *
 * @param {string} text
 */
export function settledPart(text) {
  const ends = /[\s\S]*[\s.!?…]/.exec(text);
  return ends ? ends[0].trimEnd() : "";
}
