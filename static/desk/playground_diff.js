// @ts-check
/**
 * Which words two answers do not share. Pure. Thai has no spaces between words: the browser's own segmenter knows them.
 *
 * @typedef {{ text: string, isNew: boolean }} Piece
 */

const MAX_WORDS = 400;

/** @param {string} text @param {string} locale @returns {string[]} */
export function words(text, locale) {
  return [...new Intl.Segmenter(locale, { granularity: "word" }).segment(text)].map((each) => each.segment);
}

/**
 * @param {string} old @param {string} fresh @param {string} [locale]
 * @returns {Piece[]} the fresh text in pieces: those that the old one has too, and those that are new
 */
export function compare(old, fresh, locale = "th") {
  const [before, after] = [words(old, locale), words(fresh, locale)];
  if (before.length > MAX_WORDS || after.length > MAX_WORDS) return [{ text: fresh, isNew: old !== fresh }];
  const kept = longestShared(before, after);
  /** @type {Piece[]} */
  const pieces = [];
  after.forEach((word, place) => {
    const isNew = !kept.has(place);
    const last = pieces.at(-1);
    if (last && last.isNew === isNew) last.text += word;
    else pieces.push({ text: word, isNew });
  });
  return pieces;
}

/** @param {string[]} before @param {string[]} after @returns {Set<number>} places in `after` of a longest shared run */
function longestShared(before, after) {
  const lengths = table(before, after);
  /** @type {Set<number>} */
  const kept = new Set();
  let [i, j] = [0, 0];
  while (i < before.length && j < after.length) {
    if (before[i] === after[j]) {
      kept.add(j);
      i += 1;
      j += 1;
    } else if (at(lengths, i + 1, j) >= at(lengths, i, j + 1)) {
      i += 1;
    } else {
      j += 1;
    }
  }
  return kept;
}

/** @param {string[]} before @param {string[]} after how long the longest shared run is from each two places on */
function table(before, after) {
  const lengths = Array.from({ length: before.length + 1 }, () => new Uint16Array(after.length + 1));
  for (let i = before.length - 1; i >= 0; i -= 1) {
    const row = /** @type {Uint16Array} */ (lengths[i]);
    for (let j = after.length - 1; j >= 0; j -= 1) {
      row[j] =
        before[i] === after[j] ? at(lengths, i + 1, j + 1) + 1 : Math.max(at(lengths, i + 1, j), at(lengths, i, j + 1));
    }
  }
  return lengths;
}

/** @param {Uint16Array[]} lengths @param {number} i @param {number} j */
const at = (lengths, i, j) => lengths[i]?.[j] ?? 0;
