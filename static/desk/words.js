// @ts-check
/** The words and figures that the server put into the page, in the page's language. */

/**
 * @param {string} id of a `json_script` element
 * @returns {any} its data, or null where the page has none
 */
export function pageData(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent ?? "null") : null;
}

/** @typedef {Readonly<Record<string, string>>} Words */

/**
 * @param {string} words such as "%(n)s min"
 * @param {Readonly<Record<string, string | number>>} values
 * @returns {string}
 */
export function fill(words, values) {
  return words.replace(/%\((\w+)\)s/g, (_all, name) => String(values[name] ?? ""));
}

/**
 * @param {number} seconds
 * @param {Words} words
 * @returns {string} a length of time as people say it
 */
export function duration(seconds, words) {
  const whole = Math.max(0, Math.floor(seconds));
  const [m, h, d] = [Math.floor(whole / 60), Math.floor(whole / 3600), Math.floor(whole / 86_400)];
  if (whole < 60) return fill(words.seconds ?? "", { n: whole });
  if (h < 1) return fill(words.minutes ?? "", { n: m });
  if (d < 1) return fill(words.hours ?? "", { h, m: m % 60 });
  return fill(words.days ?? "", { d, h: h % 24 });
}

/** @returns {import("../widget/types.js").Locale} the page's language */
export function pageLocale() {
  return document.documentElement.lang.startsWith("th") ? "th" : "en";
}
