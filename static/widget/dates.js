// @ts-check
/**
 * Moments as people say them. Pure but for the browser's own calendar and time zone.
 *
 * @import { Locale } from "./types.js"
 */

const DAY_MS = 86_400_000;
const TAGS = { th: "th-TH", en: "en-GB" };

/** @param {string} at ISO 8601 @param {Locale} locale @returns {string} such as 14:05 */
export function clock(at, locale) {
  const options = /** @type {const} */ ({ hour: "2-digit", minute: "2-digit", hour12: false });
  return isMoment(at) ? new Intl.DateTimeFormat(TAGS[locale], options).format(new Date(at)) : "";
}

/** @param {string} at ISO 8601 @returns {boolean} */
export const isMoment = (at) => !Number.isNaN(Date.parse(at));

/** @param {string} at ISO 8601 @returns {string} the day in this browser's time zone; equal for moments of one day */
export const dayKey = (at) => (isMoment(at) ? new Date(at).toDateString() : "");

/**
 * @param {string} at ISO 8601
 * @param {{ locale: Locale, now: number, words: { today: string, yesterday: string } }} options
 * @returns {string} such as "today", or the weekday and date
 */
export function day(at, { locale, now, words }) {
  const key = dayKey(at);
  if (key === new Date(now).toDateString()) return words.today;
  if (key === new Date(now - DAY_MS).toDateString()) return words.yesterday;
  const options = /** @type {const} */ ({ weekday: "long", day: "numeric", month: "long" });
  return new Intl.DateTimeFormat(TAGS[locale], options).format(new Date(at));
}

/**
 * @param {string} at ISO 8601
 * @param {{ locale: Locale, now: number }} options
 * @returns {string} the time, with its weekday where that isn't today
 */
export function clockOrWeekday(at, { locale, now }) {
  if (dayKey(at) === new Date(now).toDateString()) return clock(at, locale);
  const weekday = new Intl.DateTimeFormat(TAGS[locale], { weekday: "long" }).format(new Date(at));
  return `${weekday} ${clock(at, locale)}`;
}
