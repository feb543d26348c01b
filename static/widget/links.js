// @ts-check
/**
 * Finds the links in a text. Pure. A link is shown exactly as written, so what the reader sees is where it leads:
 * only plain-ASCII http(s) addresses without a user part become links, everything else stays text.
 */

/** @typedef {{ text: string, href: string }} Segment `href` is "" for plain text */

const ADDRESS = /https?:\/\/[\w\-.~:/?#[\]@!$&'()*+,;=%]+/gi;
const TRAILING = /[.,;:!?'*]+$/;
/** @type {ReadonlyArray<readonly [string, string]>} */
const BRACKETS = [
  ["(", ")"],
  ["[", "]"],
];

/**
 * @param {string} text
 * @param {{ isGrowing?: boolean }} [options] while a text grows, an address at its very end may not be complete
 * @returns {Segment[]}
 */
export function segments(text, { isGrowing = false } = {}) {
  /** @type {Segment[]} */
  const found = [];
  let start = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const written = trimmed(match[0]);
    const end = match.index + written.length;
    const isUnfinished = isGrowing && match.index + match[0].length === text.length;
    if (isUnfinished || !isSafe(written, { next: text.slice(end) })) continue;
    if (match.index > start) found.push({ text: text.slice(start, match.index), href: "" });
    found.push({ text: written, href: written });
    start = end;
  }
  if (start < text.length) found.push({ text: text.slice(start), href: "" });
  return found;
}

/** @param {string} address */
function trimmed(address) {
  let kept = address.replace(TRAILING, "");
  for (const [open, close] of BRACKETS) {
    while (kept.endsWith(close) && kept.split(close).length > kept.split(open).length) {
      kept = kept.slice(0, -1).replace(TRAILING, "");
    }
  }
  return kept;
}

/**
 * @param {string} written
 * @param {{ next: string }} context the text after it
 */
function isSafe(written, { next }) {
  const hasOnlyHost = !/^https?:\/\/[^/?#]+[/?#]/i.test(written);
  // "https://shop" + "ไทย.example" is not a link to "shop": the name goes on in letters we don't take.
  if (hasOnlyHost && /^[\p{L}\p{M}\p{N}\p{Cf}]/u.test(next)) return false;
  if (!URL.canParse(written)) return false;
  const url = new URL(written);
  return ["http:", "https:"].includes(url.protocol) && !url.username && !url.password && url.hostname.includes(".");
}
