// @ts-check
/**
 * "Correct" at a reply of the bot: a dialog that begins with the best guess at what would have been right, so that one
 * more click sends it for review. What was said is shown masked, as it will be kept; as text nodes only.
 */

import { el, setText } from "../widget/dom.js";
import { post, RefusedError } from "./post.js";

/**
 * @typedef {import("./words.js").Words} Words
 * @typedef {{ value: string, label: string }} Choice
 *
 * @typedef {object} Beginning
 * @property {string} question
 * @property {string} bot_answer
 * @property {string} response
 * @property {boolean} is_agents the response is what an agent wrote to the customer afterwards
 * @property {string} intent
 * @property {boolean} escalate
 * @property {boolean} action_required
 * @property {Choice[]} intents
 * @property {Choice[]} reasons
 */

/** What was suggested on this page; the server's rows say so after a reload. @type {Set<string>} */
const sent = new Set();

/**
 * Shows at a reply whether it was corrected, or the button that does it.
 *
 * @param {HTMLElement} place
 * @param {{ id: string, correct?: string, correction?: string }} message
 * @param {Words} words
 */
export function showCorrection(place, message, words) {
  const state = sent.has(message.id) ? "open" : (message.correction ?? "");
  const known = words[`correction_${state}`];
  const parts = [];
  if (known) parts.push(el("span", { class: "desk-tag" }, known));
  if (message.correct && !sent.has(message.id)) parts.push(button(place, message, words));
  place.replaceChildren(...parts);
  place.hidden = parts.length === 0;
}

/**
 * @param {HTMLElement} place
 * @param {{ id: string, correct?: string, correction?: string }} message
 * @param {Words} words
 */
function button(place, message, words) {
  const made = el("button", { type: "button", class: "desk-button desk-quiet desk-small" }, words.correct ?? "");
  const problem = el("span", { class: "desk-over", role: "alert" });
  made.addEventListener("click", async () => {
    made.disabled = true;
    setText(problem, "");
    try {
      const beginning = await begin(message.correct ?? "", words);
      if (await correct(message.correct ?? "", beginning, words)) {
        sent.add(message.id);
        showCorrection(place, message, words);
      }
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      setText(problem, error.message);
    } finally {
      made.disabled = false;
    }
  });
  return el("span", {}, made, problem);
}

/** @param {string} url @param {Words} words @returns {Promise<Beginning>} */
async function begin(url, words) {
  const response = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
  if (response === null) throw new RefusedError("offline", words.failed ?? "");
  if (response.status === 403 || response.redirected) throw new RefusedError("forbidden", words.forbidden ?? "");
  const data = await response.json().catch(() => null);
  if (response.ok && data) return data;
  throw new RefusedError(data?.error?.code ?? "failed", data?.error?.message ?? words.failed ?? "");
}

/**
 * @param {string} url
 * @param {Beginning} beginning
 * @param {Words} words
 * @returns {Promise<boolean>} whether it was sent
 */
function correct(url, beginning, words) {
  const fields = fieldsOf(beginning, words);
  const problem = el("p", { class: "desk-over", role: "alert" });
  const cancel = el("button", { type: "button", class: "desk-button" }, words.cancel ?? "");
  const submit = el("button", { type: "submit", class: "desk-button desk-primary" }, words.correct_send ?? "");
  const form = el(
    "form",
    {},
    el("h2", { id: "correct-title" }, words.correct_title ?? ""),
    ...fields.elements,
    problem,
    el("div", { class: "desk-actions" }, cancel, submit),
  );
  const dialog = el("dialog", { class: "desk desk-dialog correct-dialog", "aria-labelledby": "correct-title" }, form);
  let isSent = false;
  cancel.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    try {
      await post(url, fields.values(), { failed: words.failed ?? "", forbidden: words.forbidden ?? "" });
      isSent = true;
      dialog.close();
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      setText(problem, error.message);
    } finally {
      submit.disabled = false;
    }
  });
  document.body.append(dialog);
  dialog.showModal();
  submit.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(isSent);
    });
  });
}

/** @param {Beginning} beginning @param {Words} words */
function fieldsOf(beginning, words) {
  const response = el("textarea", {
    class: "steps-field",
    rows: "4",
    required: "",
    dir: "auto",
    id: "correct-response",
  });
  response.value = beginning.response;
  const intent = select("correct-intent", beginning.intents, beginning.intent);
  const reason = select("correct-reason", beginning.reasons, "wrong");
  const escalate = tick(beginning.escalate);
  const action = tick(beginning.action_required);
  const comment = el("input", { class: "steps-field", id: "correct-comment", maxlength: "500", autocomplete: "off" });
  let isReasonChosen = false;
  reason.addEventListener("change", () => {
    isReasonChosen = true;
  });
  const guess = () => {
    if (isReasonChosen) return;
    if (escalate.checked !== beginning.escalate) reason.value = escalate.checked ? "person" : "no_person";
    else reason.value = intent.value === beginning.intent ? "wrong" : "misunderstood";
  };
  intent.addEventListener("change", guess);
  escalate.addEventListener("change", guess);
  return {
    elements: [
      quoted(words.correct_question ?? "", beginning.question),
      quoted(words.correct_bot_answer ?? "", beginning.bot_answer),
      labelled(words.correct_response ?? "", response),
      el("p", { class: "desk-hint" }, (beginning.is_agents ? words.correct_from_agent : words.correct_masked) ?? ""),
      el(
        "div",
        { class: "correct-row" },
        labelled(words.correct_intent ?? "", intent),
        labelled(words.correct_reason ?? "", reason),
      ),
      el("label", { class: "steps-check" }, escalate, words.correct_escalate ?? ""),
      el("label", { class: "steps-check" }, action, words.action_required ?? ""),
      labelled(words.correct_comment ?? "", comment),
    ],
    /** @returns {Record<string, string>} */
    values: () => ({
      response: response.value,
      intent: intent.value,
      reason: reason.value,
      escalate: escalate.checked ? "1" : "",
      action_required: action.checked ? "1" : "",
      comment: comment.value,
    }),
  };
}

/** @param {string} id @param {Choice[]} choices @param {string} chosen */
function select(id, choices, chosen) {
  const made = el("select", { class: "steps-field", id });
  made.append(...choices.map(({ value, label }) => el("option", { value }, label)));
  made.value = chosen;
  if (made.selectedIndex < 0) made.selectedIndex = 0;
  return made;
}

/** @param {boolean} isOn */
function tick(isOn) {
  const made = el("input", { type: "checkbox" });
  made.checked = isOn;
  return made;
}

/** @param {string} title @param {string} text */
function quoted(title, text) {
  return el("div", {}, el("p", { class: "desk-hint" }, title), el("p", { class: "correct-words", dir: "auto" }, text));
}

/** @param {string} text @param {HTMLElement} field */
function labelled(text, field) {
  return el("label", { for: field.id, class: "correct-label" }, el("span", { class: "steps-label" }, text), field);
}
