// @ts-check
/**
 * What an agent has written and not yet sent. Survives a reload of the tab, and a failed send.
 *
 * Each draft carries the id of its submit: sending the same text again after a failure is the same submit, so the
 * server writes it once, however often it comes.
 */

/** @typedef {{ text: string, submitId: string, sentText: string }} Draft */

const EMPTY = { text: "", submitId: "", sentText: "" };

/** @returns {string} a UUID; `crypto.randomUUID` exists on https pages only */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export class Drafts {
  /** @param {Storage} storage @param {string} prefix */
  constructor(storage, prefix) {
    this.storage = storage;
    this.prefix = prefix;
  }

  /** @param {string} mode @returns {Draft} */
  read(mode) {
    try {
      return { ...EMPTY, ...JSON.parse(this.storage.getItem(this.prefix + mode) ?? "{}") };
    } catch {
      return EMPTY;
    }
  }

  /** @param {string} mode @param {string} text */
  keep(mode, text) {
    this.#write(mode, { ...this.read(mode), text });
  }

  /** @param {string} mode @param {string} text @returns {string} the id to send this text with */
  submitId(mode, text) {
    const draft = this.read(mode);
    const submitId = draft.submitId && draft.sentText === text ? draft.submitId : newId();
    this.#write(mode, { text, submitId, sentText: text });
    return submitId;
  }

  /** @param {string} mode */
  clear(mode) {
    this.storage.removeItem(this.prefix + mode);
  }

  /** @param {string} mode @param {Draft} draft */
  #write(mode, draft) {
    try {
      this.storage.setItem(this.prefix + mode, JSON.stringify(draft));
    } catch {
      // A full or forbidden storage costs the draft's survival of a reload, not the draft.
    }
  }
}
