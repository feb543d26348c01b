// @ts-check
/** A short sound for somebody new in the queue. Off until an agent turns it on in this browser. */

const KEY = "csbot.desk.sound";
const NOTES = [660, 880];
const NOTE_SECONDS = 0.12;

/** @type {AudioContext | undefined} */
let audio;

/** @returns {boolean} whether the sound is wanted in this browser */
export const isSoundOn = () => localStorage.getItem(KEY) === "on";

/** @param {boolean} on */
export function setSound(on) {
  localStorage.setItem(KEY, on ? "on" : "off");
  if (on) chime();
}

/** Play it, if it is wanted. Browsers stay silent until the page was touched once. */
export function chime() {
  if (!isSoundOn()) return;
  audio ??= new AudioContext();
  void audio.resume();
  for (const [index, frequency] of NOTES.entries()) note(audio, { frequency, at: index * NOTE_SECONDS });
}

/**
 * @param {AudioContext} context
 * @param {{ frequency: number, at: number }} note
 */
function note(context, { frequency, at }) {
  const tone = context.createOscillator();
  const volume = context.createGain();
  tone.frequency.value = frequency;
  volume.gain.value = 0.08;
  tone.connect(volume).connect(context.destination);
  tone.start(context.currentTime + at);
  tone.stop(context.currentTime + at + NOTE_SECONDS);
}
