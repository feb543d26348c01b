// @ts-check
/** POSTs to the desk's doors. An answer is data or a sentence that the agent can read; a failure never loses text. */

/** The server understood and refused; `message` is for the agent. */
export class RefusedError extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * @param {string} url
 * @param {Readonly<Record<string, string>>} fields
 * @param {{ failed: string, forbidden: string }} words
 * @returns {Promise<any>} the answer's data
 * @throws {RefusedError}
 */
export async function post(url, fields, words) {
  const token = document.querySelector("input[name=csrfmiddlewaretoken]");
  const response = await fetch(url, {
    method: "POST",
    headers: { "X-CSRFToken": token instanceof HTMLInputElement ? token.value : "", Accept: "application/json" },
    body: new URLSearchParams(fields),
  }).catch(() => null);
  if (response === null) throw new RefusedError("offline", words.failed);
  // Signed out: the admin answers with its login page.
  if (response.status === 403 || response.redirected) throw new RefusedError("forbidden", words.forbidden);
  const data = await response.json().catch(() => null);
  if (response.ok && data) return data;
  throw new RefusedError(data?.error?.code ?? "failed", data?.error?.message ?? words.failed);
}
