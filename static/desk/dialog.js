// @ts-check
/** A question in the browser's own dialog: keyboard, focus and Escape work as everywhere. */

import { el } from "../widget/dom.js";

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {string} text
 * @property {string} yes
 * @property {string} no
 */

/** @param {Question} question @returns {Promise<boolean>} whether the answer was yes; false also for Escape */
export function ask({ title, text, yes, no }) {
  const heading = el("h2", { id: "desk-dialog-title" }, title);
  const words = el("p", { id: "desk-dialog-text", dir: "auto" }, text);
  // The harmless answer comes first, so that the dialog opens on it.
  const answers = el(
    "div",
    { class: "desk-actions" },
    el("button", { class: "desk-button", value: "no" }, no),
    el("button", { class: "desk-button desk-primary", value: "yes" }, yes),
  );
  const form = el("form", { method: "dialog" }, heading, words, answers);
  const labels = { "aria-labelledby": heading.id, "aria-describedby": words.id };
  const dialog = el("dialog", { class: "desk desk-dialog", ...labels }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
