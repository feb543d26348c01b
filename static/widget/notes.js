// @ts-check
/**
 * What the shop's page is told after a change of the panel's state. Pure. Never what anybody wrote.
 *
 * @import { State } from "./types.js"
 * @import { Note } from "./bridge.js"
 */

import { unreadCount } from "./reducer.js";

/** @param {State} before @param {State} after @returns {Note[]} */
export function notes(before, after) {
  const isNews = after.news !== null && after.news !== before.news;
  return [
    ...when(isActive(before) !== isActive(after), { type: "active", active: isActive(after) }),
    ...when(before.locale !== after.locale, { type: "locale", locale: after.locale }),
    ...when(isNews, { type: "message", sender: after.news?.sender, seq: after.news?.key }),
    ...when(unreadCount(before) !== unreadCount(after), { type: "unread", count: unreadCount(after) }),
    ...when(isNewOwner(before, after, "waiting"), { type: "escalated" }),
    ...when(isNewOwner(before, after, "resolved"), { type: "resolved" }),
    ...when(after.notice !== "" && before.notice !== after.notice, { type: "error", code: after.notice }),
  ];
}

/** @param {boolean} is @param {Note} note */
const when = (is, note) => (is ? [note] : []);

/** @param {State} state @returns {boolean} whether there is a conversation worth loading the panel for next time */
const isActive = (state) => state.messages.length > 0;

/** @param {State} before @param {State} after @param {string} owner */
const isNewOwner = (before, after, owner) =>
  before.conversation === after.conversation && after.owner.epoch > before.owner.epoch && after.owner.state === owner;
