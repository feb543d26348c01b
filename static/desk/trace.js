// @ts-check
/** What making a reply took, behind a disclosure: provider, model, tokens, times, attempts, outcome, and the trace. */

import { el } from "../widget/dom.js";
import { fill } from "./words.js";

/** @typedef {import("./state.js").RunRow} RunRow */
/** @typedef {import("./words.js").Words} Words */

/**
 * @param {RunRow} run
 * @param {Words} words
 * @param {string | undefined} [title]
 * @returns {HTMLElement}
 */
export function traceOf(run, words, title = words.trace) {
  const facts = el("dl", { class: "desk-facts" });
  for (const [name, value] of figures(run, words)) {
    if (value) facts.append(el("dt", {}, words[name] ?? name), el("dd", {}, value));
  }
  const summary = el("summary", {}, [title, outcome(run, words)].filter(Boolean).join(" · "));
  const why = el("a", { class: "desk-link", href: run.why }, words.why ?? "");
  const box = el("details", { class: "desk-trace" }, summary, facts, why);
  if (Object.keys(run.trace).length > 0) {
    const raw = el("pre", { tabindex: "0" }, JSON.stringify(run.trace, null, 2));
    box.append(el("details", {}, el("summary", {}, words.details ?? ""), raw));
  }
  return box;
}

/** @param {RunRow} run @param {Words} words what became of it: in words, or the code of a rarer end */
const outcome = (run, words) => words[`outcome_${run.outcome}`] ?? run.outcome;

/** @param {RunRow} run @param {Words} words @returns {[string, string][]} */
function figures(run, words) {
  /** @param {number | null} ms */
  const time = (ms) => (ms === null ? "" : fill(words.ms ?? "", { n: ms.toLocaleString() }));
  /** @param {number} n */
  const number = (n) => (n ? n.toLocaleString() : "");
  return [
    ["provider", run.provider],
    ["model", run.model],
    ["outcome", outcome(run, words)],
    ["attempts", number(run.attempts)],
    ["first_token", time(run.first_token_ms)],
    ["total", time(run.total_ms)],
    ["prompt_tokens", number(run.prompt_tokens)],
    ["cached_tokens", number(run.cached_tokens)],
    ["completion_tokens", number(run.completion_tokens)],
    ["reasoning_tokens", number(run.reasoning_tokens)],
    ["repaired", run.is_repaired ? (words.yes ?? "") : ""],
  ];
}
