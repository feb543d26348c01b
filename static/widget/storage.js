// @ts-check
/**
 * Keeps small values in the browser: in `localStorage` (all tabs, survives reload), or in memory where the browser
 * forbids storage to embedded pages. Never throws.
 */

/** @typedef {{ get(key: string): string | null, set(key: string, value: string): void, remove(key: string): void,
 *   keys(): string[] }} Storage */

/** @type {string[]} */
const NONE = [];

/** @returns {Storage} */
export function memoryStorage() {
  /** @type {Map<string, string>} */
  const values = new Map();
  return {
    get: (key) => values.get(key) ?? null,
    set: (key, value) => void values.set(key, value),
    remove: (key) => void values.delete(key),
    keys: () => [...values.keys()],
  };
}

/**
 * @param {"localStorage" | "sessionStorage"} name
 * @param {Pick<Window, "localStorage" | "sessionStorage">} [page] whose storage; even looking at it may throw
 * @returns {Storage}
 */
export function browserStorage(name, page = globalThis) {
  const memory = memoryStorage();
  /** @template T @param {(store: globalThis.Storage) => T} use @param {T} otherwise @returns {T} */
  const attempt = (use, otherwise) => {
    try {
      return use(page[name]);
    } catch {
      return otherwise;
    }
  };
  /** @param {string} key @param {string} value @returns {boolean} whether the browser took it */
  const store = (key, value) =>
    attempt((disk) => {
      disk.setItem(key, value);
      return true;
    }, false);
  return {
    get: (key) => memory.get(key) ?? attempt((disk) => disk.getItem(key), null),
    // A full or forbidden store still leaves the value for this page's life.
    set: (key, value) => (store(key, value) ? memory.remove(key) : memory.set(key, value)),
    remove: (key) => {
      memory.remove(key);
      attempt((disk) => disk.removeItem(key), undefined);
    },
    keys: () => [...new Set([...attempt((disk) => Object.keys(disk), NONE), ...memory.keys()])],
  };
}

/**
 * @param {Storage} storage
 * @param {string} prefix
 * @returns {Storage} a part of the storage whose keys all begin with `prefix`
 */
export function within(storage, prefix) {
  return {
    get: (key) => storage.get(prefix + key),
    set: (key, value) => storage.set(prefix + key, value),
    remove: (key) => storage.remove(prefix + key),
    keys: () =>
      storage
        .keys()
        .filter((key) => key.startsWith(prefix))
        .map((key) => key.slice(prefix.length)),
  };
}

/** @param {Storage} storage @param {string} key @returns {unknown} the value that was stored as JSON, or null */
export function readJson(storage, key) {
  try {
    return JSON.parse(storage.get(key) ?? "null");
  } catch {
    return null;
  }
}
