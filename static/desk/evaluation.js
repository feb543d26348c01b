// @ts-check
/** A run or a training that is under way: shows how far it is, and the page with what came of it once it is over. */

/** @typedef {{ words: string, done?: number, is_over: boolean, left?: string }} Standing */

const EVERY_MS = 2000;

/** @type {HTMLElement | null} */
const card = document.querySelector("[data-standing]");
const bar = card?.querySelector("progress");
const count = card?.querySelector("[data-done]");
const left = card?.querySelector("[data-left]");
/** Outside the card: on the draft's and a release's page the run's name and state stand above it. */
const words = document.querySelector("[data-state-words]");

/** @returns {boolean} whether somebody is writing something on the page, which a reload would lose */
const isWriting = () =>
  [
    .../** @type {NodeListOf<HTMLInputElement | HTMLTextAreaElement>} */ (document.querySelectorAll("input, textarea")),
  ].some((field) => field.value !== field.defaultValue);

/** @param {Standing} standing what the server says of it now */
function show(standing) {
  if (words) words.textContent = standing.words;
  if (bar) bar.value = standing.done ?? 0;
  if (count) count.textContent = String(standing.done ?? 0);
  if (left) left.textContent = standing.left ? `· ${standing.left}` : "";
}

async function look() {
  const response = await fetch(card?.dataset.standing ?? "", { headers: { Accept: "application/json" } }).catch(
    () => null,
  );
  // Signed out: the admin answers with its login page.
  if (!response?.ok || response.redirected) return;
  /** @type {Standing | null} */
  const standing = await response.json().catch(() => null);
  if (!standing) return;
  if (standing.is_over && !isWriting()) window.location.reload();
  else show(standing);
}

if (card) {
  setInterval(look, EVERY_MS);
  look();
}
