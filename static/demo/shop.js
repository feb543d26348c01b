// @ts-check
/** The demo shop's buttons that lead to the chat: what any shop could do with the widget's small API. */

/** @typedef {{ push(command: [string, ...unknown[]]): void }} Csbot */

const page = /** @type {Window & { csbot?: Csbot | [string, ...unknown[]][] }} */ (window);

for (const button of document.querySelectorAll("button[data-chat]")) {
  if (!(button instanceof HTMLButtonElement)) continue;
  button.addEventListener("click", () => {
    page.csbot ??= [];
    page.csbot.push(["open", button.dataset.chat]);
  });
}
