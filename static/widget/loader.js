// @ts-check
/**
 * csbot's loader: a shop puts it on its pages with
 *
 *   <script src="https://HOST/widget.js" data-site="KEY" async></script>
 *
 * Optional: data-locale="th|en", data-identity="JWT", data-position="left|right", data-theme="light|dark|auto".
 * Before it has loaded: (window.csbot = window.csbot || []).push(["open"]); the same works afterwards.
 *
 * It shows a button (in a shadow root, styled without a style element, so that a strict CSP of the shop's holds) and,
 * once somebody wants it, the panel in a frame. The conversation itself never touches the shop's page.
 */
(() => {
  /** @typedef {{ type: string, [field: string]: unknown }} Note */

  const MARK = 1;
  const PHONE = "(max-width: 480px), (max-height: 480px)";
  const DEFAULT_COLOUR = "#0f766e";
  const WORDS = {
    th: { open: "เปิดแชต", close: "ปิดแชต", frame: "แชตกับร้าน", unread: "ข้อความใหม่" },
    en: { open: "Open the chat", close: "Close the chat", frame: "Chat with the shop", unread: "new messages" },
  };

  const script = /** @type {HTMLScriptElement | null} */ (document.currentScript);
  const page = /** @type {Window & { csbot?: any }} */ (window);
  if (!script || page.csbot?.open) return;

  const host = new URL(script.src).origin;
  const given = { ...script.dataset };
  const site = given.site ?? "";
  const side = given.position === "left" ? "left" : "right";
  const memory = `csbot:${site}`;
  const phone = matchMedia(PHONE);

  /** @type {"th" | "en"} */
  let locale = localeOf(given.locale);
  let identity = given.identity || null;
  let isOpen = false;
  let isReady = false;
  let unread = 0;
  let draft = "";
  let isStill = false;
  let overflow = "";
  /** @type {HTMLIFrameElement | null} */
  let frame = null;
  /** @type {Record<string, Set<(detail: object) => void>>} */
  const listeners = {};

  const root = document.createElement("div");
  root.id = "csbot";
  // Whatever the shop's rules say about a div, this one takes no part in the page's layout.
  root.style.cssText = "all: initial; position: fixed; z-index: 2147483000; inset: auto 0 0 auto; width: 0; height: 0;";
  const shadow = root.attachShadow({ mode: "open" });
  const button = document.createElement("button");
  const badge = document.createElement("span");

  /** @param {unknown} wanted @returns {"th" | "en"} */
  function localeOf(wanted) {
    return wanted === "en" ? "en" : "th";
  }

  // --- What the page sees --------------------------------------------------------------------------------------------

  const STYLE = `
    button { all: initial; position: fixed; bottom: calc(20px + env(safe-area-inset-bottom)); ${side}: 20px; width: 56px;
      height: 56px; border-radius: 50%; background: var(--colour); color: var(--on-colour); cursor: pointer;
      box-shadow: 0 0 0 1px rgb(128 128 128 / 18%), 0 2px 8px rgb(0 0 0 / 16%), 0 6px 24px rgb(0 0 0 / 14%); transition: transform .16s ease-out; }
    button:hover { transform: scale(1.05); }
    button:focus-visible { outline: 3px solid var(--colour); outline-offset: 3px; }
    svg { position: absolute; inset: 14px; width: 28px; height: 28px; fill: none; stroke: currentcolor; stroke-width: 1.8;
      stroke-linecap: round; stroke-linejoin: round; transition: opacity .16s, transform .16s; }
    .cross, .open .talk { opacity: 0; transform: scale(.6); }
    .open .cross { opacity: 1; transform: none; }
    span { position: absolute; top: -3px; inset-inline-end: -3px; box-sizing: border-box; min-width: 22px; height: 22px;
      padding: 0 6px; border: 2px solid #fff; border-radius: 11px; background: #c62828; color: #fff; text-align: center;
      font: 600 12px/18px system-ui, sans-serif; }
    iframe { position: fixed; bottom: calc(92px + env(safe-area-inset-bottom)); ${side}: 20px; width: 400px;
      height: min(704px, calc(100% - 112px)); border: 0; border-radius: 16px; outline: 1px solid rgb(128 128 128 / 18%); background: canvas; color-scheme: normal;
      box-shadow: 0 4px 16px rgb(0 0 0 / 10%), 0 12px 48px rgb(0 0 0 / 18%); transform-origin: bottom ${side};
      transition: opacity .18s ease-out, transform .18s ease-out; }
    iframe:not(.open) { visibility: hidden; opacity: 0; transform: translateY(12px) scale(.98); pointer-events: none;
      transition: opacity .18s ease-out, transform .18s ease-out, visibility 0s .18s; }
    [hidden] { display: none; }
    @media ${PHONE} {
      iframe { inset: 0; width: 100%; height: 100%; border-radius: 0; outline: 0; }
      button.open { visibility: hidden; }
    }
    @media (prefers-reduced-motion: reduce) { button, svg, iframe, iframe:not(.open) { transition: none; } }
    @media print { :host { display: none; } }`;

  /** @param {string} name @param {string} path */
  function drawing(name, path) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const line = document.createElementNS(svg.namespaceURI, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("class", name);
    svg.setAttribute("aria-hidden", "true");
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  }

  /** @param {string} colour @returns {string} white, or black where white could not be seen */
  function inkOn(colour) {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.183 ? "#000" : "#fff";
  }

  /** @param {string} colour */
  function mount(colour) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    shadow.adoptedStyleSheets = [sheet];
    root.style.setProperty("--colour", colour);
    root.style.setProperty("--on-colour", inkOn(colour));
    button.type = "button";
    button.append(
      drawing(
        "talk",
        "M20 11.5c0 4-3.6 7-8 7-1.2 0-2.3-.2-3.3-.6L4 19.5l1.3-3.7A6.6 6.6 0 0 1 4 11.5c0-4 3.6-7 8-7s8 3 8 7z",
      ),
      drawing("cross", "M6 9.5l6 6 6-6"),
      badge,
    );
    button.addEventListener("click", () => api.toggle());
    button.addEventListener("pointerenter", () => load(), { once: true });
    button.addEventListener("focus", () => load(), { once: true });
    shadow.append(button);
    document.body.append(root);
    phone.addEventListener("change", fit);
    for (const event of ["resize", "scroll"]) window.visualViewport?.addEventListener(event, fit);
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && isOpen && event.target === root) api.close();
    });
    show();
  }

  function show() {
    const words = WORDS[locale];
    badge.hidden = unread === 0 || isOpen;
    badge.textContent = unread > 9 ? "9+" : String(unread);
    button.classList.toggle("open", isOpen);
    button.setAttribute("aria-expanded", String(isOpen));
    const label = isOpen ? words.close : words.open;
    button.setAttribute("aria-label", unread && !isOpen ? `${label} (${unread} ${words.unread})` : label);
    if (!frame) return;
    frame.title = words.frame;
    frame.classList.toggle("open", isOpen);
    fit();
  }

  /** On a phone the panel is the whole screen: the page behind stands still, and the keyboard makes the panel smaller. */
  function fit() {
    const isWhole = isOpen && phone.matches;
    const view = window.visualViewport;
    if (isWhole !== isStill) hold(isWhole);
    if (!frame || !view) return;
    frame.style.height = isWhole ? `${view.height}px` : "";
    frame.style.top = isWhole ? `${view.offsetTop}px` : "";
  }

  /** @param {boolean} still whether the page behind may not scroll */
  function hold(still) {
    const { style } = document.documentElement;
    if (still) overflow = style.overflow;
    style.overflow = still ? "hidden" : overflow;
    isStill = still;
  }

  // --- The panel -----------------------------------------------------------------------------------------------------

  function load() {
    if (frame || !root.isConnected) return;
    frame = document.createElement("iframe");
    const query = new URLSearchParams({ site, locale, theme: given.theme ?? "auto" });
    frame.src = `${host}/widget/panel?${query}`;
    // On csbot's own pages a sandbox would hold nothing.
    if (host !== location.origin)
      frame.setAttribute(
        "sandbox",
        "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox",
      );
    frame.addEventListener("load", () => tell({ type: "hello", identity }));
    shadow.append(frame);
    show();
  }

  /** @param {Note} note */
  function tell(note) {
    frame?.contentWindow?.postMessage({ csbot: MARK, ...note }, host);
  }

  function enter() {
    tell({ type: "open", draft });
    draft = "";
  }

  /** @param {string} event @param {object} [detail] */
  function emit(event, detail = {}) {
    for (const listener of listeners[event] ?? []) {
      try {
        listener(detail);
      } catch (error) {
        // The shop's own mistake must not stop the chat.
        console.warn("csbot: a listener failed", error);
      }
    }
  }

  /** @type {Record<string, (note: Note) => void>} */
  const heard = {
    ready: () => {
      isReady = true;
      if (isOpen) enter();
    },
    close: () => api.close(),
    locale: (note) => {
      locale = localeOf(note.locale);
      show();
    },
    active: (note) => void remembered("localStorage", note.active === true),
    unread: (note) => {
      unread = Number(note.count) || 0;
      show();
      emit("unread", { count: unread });
    },
    message: (note) => emit("message", { sender: note.sender, seq: note.seq }),
    escalated: () => emit("escalated"),
    resolved: () => emit("resolved"),
    error: (note) => emit("error", { code: note.code }),
  };

  addEventListener("message", (event) => {
    if (!frame || event.source !== frame.contentWindow || event.origin !== host) return;
    const note = event.data;
    if (note?.csbot === MARK && Object.hasOwn(heard, note.type)) heard[note.type]?.(note);
  });

  /**
   * What the next page shall know: that there is a conversation (look for new messages), that the panel stood open.
   *
   * @param {"localStorage" | "sessionStorage"} where
   * @param {boolean} [is] left out: only look
   * @returns {boolean}
   */
  function remembered(where, is) {
    try {
      if (is) window[where].setItem(memory, "1");
      else if (is === false) window[where].removeItem(memory);
      return window[where].getItem(memory) !== null;
    } catch {
      // Storage is forbidden here.
      return false;
    }
  }

  // --- What the shop can do ------------------------------------------------------------------------------------------

  const api = {
    /** @param {unknown} [text] what to put into the composer, for the customer to send or not */
    open(text) {
      load();
      if (!frame) return;
      if (typeof text === "string") draft = text;
      const isNews = !isOpen;
      isOpen = true;
      if (isNews) show();
      // Only what can be seen takes the focus.
      frame.focus();
      if (isReady) enter();
      if (!isNews) return;
      remembered("sessionStorage", true);
      emit("open");
    },
    close() {
      if (!isOpen) return;
      isOpen = false;
      remembered("sessionStorage", false);
      show();
      tell({ type: "close" });
      button.focus();
      emit("close");
    },
    toggle() {
      if (isOpen) api.close();
      else api.open();
    },
    /** @param {string | null} jwt who the customer is, signed by the shop's server; null when they leave */
    identify(jwt) {
      identity = jwt;
      if (isReady) tell({ type: "identify", identity });
    },
    /** @param {unknown} wanted */
    setLocale(wanted) {
      locale = localeOf(wanted);
      show();
      if (isReady) tell({ type: "locale", locale });
    },
    /** @param {string} event @param {(detail: object) => void} listener @returns {() => void} ends it */
    on(event, listener) {
      listeners[event] ??= new Set();
      const all = listeners[event];
      all.add(listener);
      if (event === "ready" && root.isConnected) listener({});
      return () => void all.delete(listener);
    },
    /** @param {[string, ...unknown[]]} command such as ["on", "message", listener] */
    push([name, ...details]) {
      const command = /** @type {Record<string, Function>} */ (/** @type {unknown} */ (api))[name];
      if (Object.hasOwn(api, name) && command) command(...details);
    },
  };

  /** @returns {Promise<{ colour: string, locale: string } | null>} null: there is no such site */
  async function look() {
    try {
      const response = await fetch(`${host}/widget/look?site=${encodeURIComponent(site)}`, { credentials: "omit" });
      if (response.status === 404) return null;
      if (response.ok) return await response.json();
    } catch {
      // The shop's CSP may not let us ask, or the network is away: then the button looks like everybody's.
    }
    return { colour: DEFAULT_COLOUR, locale };
  }

  async function start() {
    const looks = await look();
    if (!looks) return console.warn(`csbot: there is no site ${site}`);
    if (!given.locale) locale = localeOf(looks.locale);
    mount(given.colour ?? looks.colour);
    const wasOpen = remembered("sessionStorage") && !phone.matches;
    obey(page.csbot);
    emit("ready");
    if (wasOpen) api.open();
    else if (remembered("localStorage")) (window.requestIdleCallback ?? setTimeout)(load);
  }

  /** @param {unknown} waiting what the page wanted before there was anybody to do it */
  function obey(waiting) {
    page.csbot = api;
    if (Array.isArray(waiting)) for (const command of waiting) api.push(command);
  }

  if (document.body) void start();
  else addEventListener("DOMContentLoaded", () => void start());
})();
