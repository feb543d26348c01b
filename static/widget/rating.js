// @ts-check
/**
 * The card that asks how it went, after a conversation was resolved.
 *
 * @import { RatingCard } from "./timeline.js"
 * @import { Context, Part } from "./log.js"
 */

import { el, icon, setText } from "./dom.js";

const COMMENT_CHARS = 1000;

/** @param {() => Context} context @returns {Part<RatingCard>} */
export function makeRating(context) {
  const legend = el("legend");
  const chosen = el("p", { class: "chosen", "aria-hidden": "true" });
  const scores = [1, 2, 3, 4, 5].map(score);
  const stars = el("div", { class: "stars" }, ...scores.map(({ label }) => label));
  const comment = el("textarea", { rows: "2", maxlength: String(COMMENT_CHARS), dir: "auto" });
  const submit = el("button", { type: "submit", class: "primary" });
  const more = el("div", { class: "more", hidden: "" }, comment, submit);
  const form = el("form", {}, el("fieldset", {}, legend, stars, chosen), more);
  const thanks = el("p", { class: "thanks", role: "status", hidden: "" });
  const value = () => Number(new FormData(form).get("score")) || 0;
  const show = () => {
    stars.dataset.score = String(value());
    setText(chosen, context().words.scores[value() - 1] ?? "");
    more.hidden = value() === 0;
  };
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    context().onRate(value(), comment.value.trim());
  });
  return {
    element: el("div", { class: "card" }, form, thanks),
    update: ({ status }) => {
      const { words } = context();
      setText(legend, words.rate);
      scores.forEach(({ input }, i) => void input.setAttribute("aria-label", words.scores[i] ?? ""));
      comment.placeholder = words.comment;
      comment.setAttribute("aria-label", words.comment);
      setText(submit, words.submitRating);
      setText(thanks, status === "queued" ? words.queued : words.thanks);
      form.hidden = status !== "";
      thanks.hidden = status === "";
      show();
    },
  };
}

/** @param {number} value */
function score(value) {
  const input = el("input", { type: "radio", name: "score", value: String(value), class: "visually-hidden" });
  return { input, label: el("label", { "data-value": String(value) }, input, icon("star")) };
}
