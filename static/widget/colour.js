// @ts-check
/**
 * The shop's colour made legible, whatever it is. Pure. Contrast as WCAG 2 defines it.
 *
 * @typedef {[number, number, number]} Rgb each 0-255
 */

const TEXT_CONTRAST = 4.5;
const STEPS = 20;
const BLACK = "#000000";
const WHITE = "#ffffff";

/** @param {string} hex @returns {Rgb} */
function parse(hex) {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** @param {Rgb} rgb */
const format = (rgb) => `#${rgb.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;

/** @param {string} hex @returns {number} relative luminance, 0-1 */
export function luminance(hex) {
  const [red, green, blue] = /** @type {Rgb} */ (
    parse(hex).map((part) => (part <= 10.31475 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4))
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** @param {string} one @param {string} other @returns {number} 1-21 */
export function contrast(one, other) {
  const [dark, light] = /** @type {[number, number]} */ ([luminance(one), luminance(other)].sort((a, b) => a - b));
  return (light + 0.05) / (dark + 0.05);
}

/** @param {string} colour @returns {string} the colour of text on it: white where white can be read, else black */
export const textOn = (colour) => (contrast(colour, WHITE) >= TEXT_CONTRAST ? WHITE : BLACK);

/**
 * @param {string} colour
 * @param {{ background: string, ratio?: number }} options
 * @returns {string} the colour, moved towards black or white until it can be read on the background
 */
export function legible(colour, { background, ratio = TEXT_CONTRAST }) {
  const target = parse(luminance(background) > 0.4 ? BLACK : WHITE);
  const from = parse(colour);
  for (let step = 0; step < STEPS; step += 1) {
    const share = step / STEPS;
    const mixed = format(/** @type {Rgb} */ (from.map((part, i) => part + ((target[i] ?? 0) - part) * share)));
    if (contrast(mixed, background) >= ratio) return mixed;
  }
  return format(target);
}
