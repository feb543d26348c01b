// @ts-check
/**
 * Everything around the conversation: who answers, how the connection is, the way to a person, stop.
 *
 * @import { Expect, Locale, State } from "./types.js"
 * @import { Words } from "./words.js"
 */

import { clockOrWeekday, isMoment } from "./dates.js";
import { byId, setText } from "./dom.js";
import { unsentCount } from "./reducer.js";

/** @typedef {{ onClose: () => void, onLanguage: () => void, onHuman: () => void, onStop: () => void,
 *   onTryNow: () => void }} ShellHandlers */

/** @typedef {{ tone: "" | "quiet" | "warning" | "good", text: string, canRetry: boolean }} Banner */

export class Shell {
  #status = byId("status", HTMLElement);
  #simulated = byId("simulated", HTMLElement);
  #banner = byId("banner", HTMLElement);
  #bannerText = byId("banner-text", HTMLElement);
  #tryNow = byId("try-now", HTMLButtonElement);
  #language = byId("language", HTMLButtonElement);
  #close = byId("close", HTMLButtonElement);
  #human = byId("human", HTMLButtonElement);
  #humanText = byId("human-text", HTMLElement);
  #waiting = byId("waiting", HTMLElement);
  #waitingText = byId("waiting-text", HTMLElement);
  #waitingDetail = byId("waiting-detail", HTMLElement);
  #stop = byId("stop", HTMLButtonElement);
  #stopText = byId("stop-text", HTMLElement);

  /** @param {ShellHandlers} handlers @param {{ canClose: boolean }} options */
  constructor(handlers, { canClose }) {
    this.#close.hidden = !canClose;
    this.#close.addEventListener("click", handlers.onClose);
    this.#language.addEventListener("click", handlers.onLanguage);
    this.#human.addEventListener("click", handlers.onHuman);
    this.#stop.addEventListener("click", handlers.onStop);
    this.#tryNow.addEventListener("click", handlers.onTryNow);
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing && canClose) handlers.onClose();
    });
  }

  /** @param {State} state @param {Words} words */
  show(state, words) {
    this.#showHead(state, words);
    this.#showBanner(bannerOf(state, words), words);
    this.#showPeople(state, words);
    this.#stop.hidden = !state.run?.isOpen || !state.run.text;
    setText(this.#stopText, words.stop);
  }

  /** @param {State} state @param {Words} words */
  #showHead(state, words) {
    document.documentElement.lang = state.locale;
    setText(this.#status, statusOf(state, words));
    this.#status.dataset.link = state.link;
    this.#simulated.hidden = !state.isSimulated;
    setText(this.#simulated, words.simulated);
    setText(this.#language, words.otherLanguage);
    this.#language.lang = state.locale === "th" ? "en" : "th";
    this.#language.setAttribute("aria-label", words.language);
    this.#close.setAttribute("aria-label", words.close);
  }

  /** @param {Banner} banner @param {Words} words */
  #showBanner({ tone, text, canRetry }, words) {
    this.#banner.dataset.tone = tone;
    setText(this.#bannerText, text);
    setText(this.#tryNow, words.tryNow);
    this.#tryNow.hidden = !canRetry;
  }

  /** @param {State} state @param {Words} words */
  #showPeople({ owner, human, link, locale }, words) {
    const isWithPeople = owner.state === "waiting" || owner.state === "agent";
    this.#human.hidden = isWithPeople;
    this.#human.disabled = human !== "none";
    setText(this.#humanText, askLabel(human, link, words));
    this.#waiting.hidden = !isWithPeople;
    this.#waiting.dataset.owner = owner.state;
    const name = owner.agent || words.team;
    setText(this.#waitingText, owner.state === "agent" ? words.withAgent(name) : words.waiting);
    setText(this.#waitingDetail, owner.state === "waiting" ? expectation(owner.expect, { words, locale }) : "");
  }
}

/** @param {State["human"]} human @param {State["link"]} link @param {Words} words */
function askLabel(human, link, words) {
  if (human === "none") return words.askHuman;
  return link === "online" || link === "catching_up" ? words.askingHuman : words.askHumanLater;
}

/** @param {State} state @param {Words} words @returns {string} */
function statusOf({ owner, link }, words) {
  if (link === "offline" || link === "refused") return words.statusOffline;
  if (owner.state === "agent") return words.statusAgent(owner.agent || words.team);
  if (owner.state === "waiting") return words.statusWaiting;
  return owner.state === "resolved" ? words.statusResolved : words.statusBot;
}

/** @param {State} state @param {Words} words @returns {Banner} how things stand, honestly */
function bannerOf(state, words) {
  const unsent = unsentCount(state);
  switch (state.link) {
    case "connecting":
      return { tone: "quiet", text: words.connecting, canRetry: false };
    case "catching_up":
      return { tone: "quiet", text: words.catchingUp, canRetry: false };
    case "offline":
      return { tone: "warning", text: unsent ? words.offlineUnsent(unsent) : words.offline, canRetry: true };
    case "refused":
      return { tone: "warning", text: words.refused, canRetry: false };
    default:
      return noticeOf(state, words);
  }
}

/** @param {State} state @param {Words} words @returns {Banner} */
function noticeOf({ notice, isBack }, words) {
  if (notice)
    return { tone: "warning", text: notice === "rate_limited" ? words.tooMany : words.error, canRetry: false };
  return isBack ? { tone: "good", text: words.upToDate, canRetry: false } : { tone: "", text: "", canRetry: false };
}

/**
 * @param {Expect | null} expect
 * @param {{ words: Words, locale: Locale }} options
 * @returns {string} when a person will answer, in the language shown; the server's own sentence where it gave no time
 */
function expectation(expect, { words, locale }) {
  if (!expect) return "";
  const options = { locale, now: Date.now() };
  if (expect.onDuty && isMoment(expect.until)) return words.onDutyUntil(clockOrWeekday(expect.until, options));
  if (!expect.onDuty && isMoment(expect.from)) return words.backFrom(clockOrWeekday(expect.from, options));
  return expect.message;
}
