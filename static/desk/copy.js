// @ts-check
/** Copies what stands in the page, and fetches a site's secret when somebody asks to see it. */

import { setText } from "../widget/dom.js";
import { post, RefusedError } from "./post.js";
import { pageData } from "./words.js";

const words = pageData("desk-copy-words");

/** @param {string | undefined} id */
const target = (id) => document.getElementById(id ?? "");

for (const button of document.querySelectorAll("[data-copy]")) {
  if (button instanceof HTMLElement) button.addEventListener("click", () => void copy(button));
}
for (const button of document.querySelectorAll("[data-reveal]")) {
  if (button instanceof HTMLElement) button.addEventListener("click", () => void reveal(button));
}

/** @param {HTMLElement} button */
async function copy(button) {
  const source = target(button.dataset.copy);
  if (!source) return;
  getSelection()?.selectAllChildren(source);
  // Browsers offer the clipboard on https and localhost only; elsewhere the text stays selected for Ctrl+C.
  await navigator.clipboard?.writeText(source.textContent ?? "");
  if (navigator.clipboard) setText(button, words.copied);
}

/** @param {HTMLElement} button */
async function reveal(button) {
  const source = target(button.dataset.reveal);
  if (!source) return;
  try {
    const answer = await post(source.dataset.secretUrl ?? "", {}, words);
    setText(source, answer.secret);
    button.hidden = true;
    document.querySelector(`[data-copy="${source.id}"]`)?.removeAttribute("hidden");
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    setText(source, error.message);
  }
}
