// @ts-check
/** Makes and keeps elements. Text goes in as text only: nothing here, or anywhere in the panel, parses HTML. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** @param {string} name of a symbol in the page @returns {SVGSVGElement} */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/**
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 * @returns {Kind} the page's element with this id
 */
export function byId(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return element;
}

/** @param {Element} element @param {string} text set only if it differs, so that nothing is announced or laid out twice */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @template {{ key: string }} Item
 * @typedef {{ element: HTMLElement, update: (item: Item) => void }} Part
 */

/**
 * Makes the children of `parent` follow a list: elements are kept by key, moved only if out of order, touched only if
 * their item changed.
 *
 * @template {{ key: string }} Item
 */
export class KeyedList {
  /** @type {Map<string, { part: Part<Item>, seen: string }>} */
  #parts = new Map();

  /** @param {HTMLElement} parent @param {(item: Item) => Part<Item>} make */
  constructor(parent, make) {
    this.parent = parent;
    this.make = make;
  }

  /** @param {Item[]} items @param {string} context whatever else the parts' looks depend on */
  show(items, context) {
    const wanted = new Set(items.map((item) => item.key));
    for (const [key, { part }] of this.#parts) {
      if (!wanted.has(key)) {
        part.element.remove();
        this.#parts.delete(key);
      }
    }
    let place = this.parent.firstElementChild;
    for (const item of items) {
      const element = this.#shown(item, context);
      if (element === place) place = place.nextElementSibling;
      else this.parent.insertBefore(element, place);
    }
  }

  /** @param {Item} item @param {string} context */
  #shown(item, context) {
    const kept = this.#parts.get(item.key) ?? { part: this.make(item), seen: "" };
    const seen = context + JSON.stringify(item);
    if (kept.seen !== seen) kept.part.update(item);
    this.#parts.set(item.key, { part: kept.part, seen });
    return kept.part.element;
  }
}
