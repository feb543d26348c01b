// @ts-check
/**
 * One bubble of the conversation.
 *
 * @import { Bubble, Typing } from "./timeline.js"
 * @import { Context, Part } from "./log.js"
 * @import { Segment } from "./links.js"
 */

import { settledPart } from "./characters.js";
import { clock } from "./dates.js";
import { el, icon, setText } from "./dom.js";
import { segments } from "./links.js";
import { isRefused } from "./reducer.js";

/** @param {Context} context @param {{ sender: string, agent: string }} item @returns {string} who says it */
export function nameOf({ words }, { sender, agent }) {
  if (sender === "customer") return words.you;
  return sender === "agent" ? agent || words.team : words.assistant;
}

/** @param {() => Context} context @param {Bubble} first @returns {Part<Bubble>} */
export function makeBubble(context, first) {
  const text = el("p", { class: "text", dir: "auto" });
  const body = el("div", { class: "bubble" }, text);
  const name = el("p", { class: "name" });
  const meta = el("p", { class: "meta" });
  const face = el("div", { class: "face", "aria-hidden": "true" });
  const side = first.sender === "customer" ? "mine" : "theirs";
  const element = el("div", { class: `row ${side}` }, name, face, body, meta);
  const shown = new GrowingText(text);
  return {
    element,
    update: (item) => {
      const now = context();
      const who = nameOf(now, item);
      setText(name, who);
      name.classList.toggle("visually-hidden", side === "mine" || !item.isFirst);
      element.classList.toggle("first", item.isFirst);
      element.classList.toggle("last", item.isLast);
      element.classList.toggle("unsent", ["queued", "sending", "failed"].includes(item.status));
      element.classList.toggle("failed", item.status === "failed");
      face.replaceChildren(...faceOf(item, who));
      const settled = item.isGrowing && now.isCalm ? settledPart(item.text) : item.text;
      shown.show(segments(settled, { isGrowing: item.isGrowing }));
      body.classList.toggle("empty", settled === "");
      if (settled === "") body.append(...(body.querySelector(".dots") ? [] : [dots(now.words.writing(who))]));
      else body.querySelector(".dots")?.remove();
      meta.replaceChildren(...metaOf(now, item));
    },
  };
}

/** @param {() => Context} context @returns {Part<Typing>} */
export function makeTyping(context) {
  const face = el("div", { class: "face", "aria-hidden": "true" });
  const body = el("div", { class: "bubble empty" });
  const element = el("div", { class: "row theirs first last" }, face, body);
  return {
    element,
    update: ({ agent }) => {
      const sender = agent ? "agent" : "bot";
      const who = nameOf(context(), { sender, agent });
      face.replaceChildren(...faceOf({ sender, isLast: true }, who));
      body.replaceChildren(dots(context().words.writing(who)));
    },
  };
}

/** @param {string} label */
function dots(label) {
  const words = el("span", { class: "visually-hidden" }, label);
  return el("span", { class: "dots" }, words, el("i"), el("i"), el("i"));
}

/** @param {{ sender: string, isLast: boolean }} item @param {string} who @returns {(Node | string)[]} */
function faceOf({ sender, isLast }, who) {
  if (sender === "customer" || !isLast) return [];
  return sender === "agent" ? [[...who][0] ?? ""] : [icon("spark")];
}

/** @param {Context} context @param {Bubble} item @returns {Node[]} */
function metaOf(context, item) {
  const { words, locale } = context;
  if (item.status === "failed") return [failure(context, item)];
  const parts = [];
  if (item.stopped) parts.push(el("span", {}, words.stopped));
  if (item.isLast && item.at) parts.push(el("time", { datetime: item.at }, clock(item.at, locale)));
  if (item.status) parts.push(el("span", { class: "status" }, words[item.status]));
  return parts;
}

/** @param {Context} context @param {Bubble} item @returns {HTMLElement} */
function failure({ words, onRetry }, { key, code }) {
  if (code === "later") return el("span", { class: "status" }, words.failedLater);
  const refusal = code === "too_long" ? words.failedTooLong : words.failedEdit;
  const label = isRefused({ code }) ? refusal : words.failed;
  const button = el("button", { type: "button", class: "retry" }, icon("retry"), label);
  button.addEventListener("click", () => onRetry(key.slice(2)));
  return button;
}

/** Text with links that only ever grows on the screen: what stands there already is not touched again. */
class GrowingText {
  /** @type {Segment[]} */
  #shown = [];

  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
  }

  /** @param {Segment[]} wanted */
  show(wanted) {
    let same = 0;
    while (same < wanted.length && isEqual(this.#shown[same], wanted[same])) same += 1;
    const [old, fresh] = [this.#shown[same], wanted[same]];
    const node = this.element.childNodes[same];
    if (fresh && old && node instanceof Text && !fresh.href && fresh.text.startsWith(old.text)) {
      node.appendData(fresh.text.slice(old.text.length));
      same += 1;
    }
    while (this.element.childNodes.length > same) this.element.lastChild?.remove();
    this.element.append(...wanted.slice(same).map(nodeOf));
    this.#shown = wanted;
  }
}

/** @param {Segment | undefined} one @param {Segment | undefined} other */
const isEqual = (one, other) => one?.text === other?.text && one?.href === other?.href;

/** @param {Segment} segment @returns {Node} */
function nodeOf({ text, href }) {
  if (!href) return document.createTextNode(text);
  return el("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, text);
}
