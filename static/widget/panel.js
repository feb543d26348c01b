// @ts-check
/**
 * The panel: puts the parts together. One store; every change of state is drawn once per frame and followed by its
 * effects (send, keep, tell the shop).
 *
 * @import { Action, Locale, State } from "./types.js"
 * @import { Note } from "./bridge.js"
 */

import { bridgeToShop } from "./bridge.js";
import { legible, textOn } from "./colour.js";
import { Composer } from "./composer.js";
import { byId } from "./dom.js";
import { Effects } from "./effects.js";
import { Log } from "./log.js";
import { initialState, isRefused, reduce } from "./reducer.js";
import { Shell } from "./shell.js";
import { WORDS } from "./words.js";

/**
 * @typedef {object} PanelData What the server says about the site.
 * @property {string} site
 * @property {string} name
 * @property {string} colour
 * @property {Record<Locale, string>} greetings
 * @property {Locale} locale
 * @property {string[]} origins
 * @property {boolean} simulated
 * @property {string} sessions
 * @property {string} socket
 */

const HIDDEN_FRAME_MS = 100;
// As in panel.css. A bubble's ground is nearer to any ink than the plain one.
const GROUNDS = { light: { ground: "#ffffff", raised: "#f3f4f6" }, dark: { ground: "#1b1d22", raised: "#282b32" } };
// WCAG's 4.5, with some to spare for tinted grounds; and enough for a bubble to be seen as one.
const READABLE = 5.2;
const DISTINCT = 1.4;

/** @type {PanelData} */
const data = JSON.parse(byId("panel-data", HTMLScriptElement).textContent ?? "");
/** @type {State} */
let state = initialState({ locale: data.locale, isSimulated: data.simulated });
let isDrawn = true;

/** @param {Action} action */
function dispatch(action) {
  const before = state;
  state = reduce(state, action);
  if (state === before) return;
  drawSoon();
  effects.follow(before, state);
}

/** Draw with the next frame; a hidden page may get none, so a timer stands by. */
function drawSoon() {
  if (!isDrawn) return;
  isDrawn = false;
  requestAnimationFrame(draw);
  setTimeout(draw, HIDDEN_FRAME_MS);
}

function draw() {
  if (isDrawn) return;
  isDrawn = true;
  const words = WORDS[state.locale];
  shell.show(state, words);
  log.show(state, { greeting: data.greetings[state.locale], words });
  composer.show({ words, maxChars: state.maxChars });
}

/** @param {string} text */
function say(text) {
  log.follow();
  dispatch({ type: "compose", clientId: crypto.randomUUID(), text, at: new Date().toISOString() });
}

/** @param {string} clientId try again, or take back what can't be sent as it is */
function retry(clientId) {
  const item = state.outbox.find((one) => one.clientId === clientId);
  if (!item) return;
  if (isRefused(item)) {
    dispatch({ type: "withdraw", clientId });
    composer.fill(item.text);
    composer.focus();
  } else {
    dispatch({ type: "retry", clientId });
    effects.connection.retryNow();
  }
}

function close() {
  dispatch({ type: "open", isOpen: false });
  bridge.tell({ type: "close" });
}

/** @param {boolean} isKeyboardWelcome a phone's keyboard would cover what the customer came to read */
function open(isKeyboardWelcome) {
  dispatch({ type: "open", isOpen: true });
  effects.start();
  log.follow();
  if (isKeyboardWelcome) composer.focus();
  else byId("name", HTMLElement).focus();
}

/** @param {Note} note what the shop's page wants */
function onNote(note) {
  switch (note.type) {
    case "hello":
      bridge.tell({ type: "ready", locale: state.locale });
      return begin(typeof note.identity === "string" ? note.identity : null);
    case "open":
      open(matchMedia("(pointer: fine)").matches);
      if (note.draft && typeof note.draft === "string") composer.fill(note.draft);
      break;
    case "close":
      return dispatch({ type: "open", isOpen: false });
    case "identify":
      return effects.identify(typeof note.identity === "string" ? note.identity : null);
    case "locale":
      if (note.locale === "th" || note.locale === "en") effects.speak(note.locale);
  }
}

/** @param {string | null} identity whom the shop says it has before it */
function begin(identity) {
  if (identity) effects.identify(identity);
  else effects.restore();
  composer.fill(effects.draft());
}

/** @param {string} colour the shop's, made to fit light and dark; panel.css chooses */
function wear(colour) {
  const { style } = document.documentElement;
  for (const [theme, { ground, raised }] of Object.entries(GROUNDS)) {
    const fill = legible(colour, { background: ground, ratio: DISTINCT });
    style.setProperty(`--fill-${theme}`, fill);
    style.setProperty(`--on-fill-${theme}`, textOn(fill));
    style.setProperty(`--accent-${theme}`, legible(colour, { background: raised, ratio: READABLE }));
  }
}

const bridge = bridgeToShop({ origins: data.origins, onNote });
const effects = new Effects({ data, dispatch, state: () => state, tell: bridge.tell });
const composer = new Composer({
  onSend: say,
  onTyping: (on) => effects.connection.send({ type: "typing", on }),
  onDraft: (text) => effects.keepDraft(text),
});
const log = new Log({
  words: WORDS[state.locale],
  locale: state.locale,
  isCalm: matchMedia("(prefers-reduced-motion: reduce)").matches,
  onRetry: retry,
  onRate: (score, comment) => dispatch({ type: "rate", score, comment }),
});
const shell = new Shell(
  {
    onClose: close,
    onLanguage: () => effects.chooseLanguage(state.locale === "th" ? "en" : "th"),
    onHuman: () => dispatch({ type: "want_human" }),
    onStop: () => state.run && effects.connection.send({ type: "stop", run: state.run.id }),
    onTryNow: () => effects.connection.retryNow(),
  },
  { canClose: bridge.isFramed },
);

wear(data.colour);
isDrawn = false;
draw();
document.documentElement.dataset.ready = "true";
if (!bridge.isFramed) {
  begin(null);
  open(matchMedia("(pointer: fine)").matches);
}
