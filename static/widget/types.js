// @ts-check
/**
 * The shapes that the panel's modules share. Types only: no browser ever loads this file.
 *
 * @typedef {"th" | "en"} Locale
 * @typedef {"customer" | "bot" | "agent" | "system"} Sender
 * @typedef {"bot" | "waiting" | "agent" | "resolved"} OwnerState
 * @typedef {{ onDuty: boolean, message: string, until: string, from: string }} Expect
 * @typedef {{ state: OwnerState, epoch: number, agent: string, expect: Expect | null }} Owner
 *
 * @typedef {object} Message A stored message.
 * @property {number} seq
 * @property {Sender} sender
 * @property {string} text
 * @property {string} at ISO 8601
 * @property {string} clientId "" unless a customer's
 * @property {string} run "" unless a run's reply
 * @property {string} agent the person's name, or ""
 * @property {string} code which sentence of csbot's own it is, or ""
 * @property {boolean} stopped
 *
 * @typedef {"queued" | "sending" | "sent" | "failed"} PendingStatus
 *
 * @typedef {object} Pending What the customer wrote and no `message` has confirmed yet.
 * @property {string} clientId
 * @property {string} text
 * @property {string} at ISO 8601, by this browser's clock
 * @property {PendingStatus} status
 * @property {string} code why it failed, or ""
 * @property {number} retryAt when it goes out again by itself (ms), or 0
 *
 * @typedef {object} Run A reply being written. `length` counts characters (code points), as offsets do.
 * @property {string} id
 * @property {string} text
 * @property {number} length
 * @property {number} epoch
 * @property {boolean} isOpen
 * @property {boolean} isStale known from before a reconnect; goes if catching up brings no message for it
 *
 * @typedef {{ id: string, text: string }} Snapshot
 *
 * @typedef {{ type: "welcome", conversation: string, headSeq: number, owner: Owner | null, run: Snapshot | null,
 *   maxChars: number, isSimulated: boolean, readSeq: number }} WelcomeFrame
 * @typedef {{ type: "message", message: Message }} MessageFrame
 * @typedef {{ type: "ack", clientId: string, seq: number, at: string }} AckFrame
 * @typedef {{ type: "nack", clientId: string, code: string, retryAfter: number }} NackFrame
 * @typedef {{ type: "run", id: string, state: string, epoch: number }} RunFrame
 * @typedef {{ type: "delta", run: string, offset: number, text: string }} DeltaFrame
 * @typedef {{ type: "owner", owner: Owner }} OwnerFrame
 * @typedef {{ type: "typing", who: string, ttl: number }} TypingFrame
 * @typedef {{ type: "error", code: string }} ErrorFrame
 * @typedef {{ type: "go_away", delay: number }} GoAwayFrame
 * @typedef {{ type: "pong" }} PongFrame
 * @typedef {WelcomeFrame | MessageFrame | AckFrame | NackFrame | RunFrame | DeltaFrame | OwnerFrame | TypingFrame |
 *   ErrorFrame | GoAwayFrame | PongFrame} Frame
 *
 * @typedef {"idle" | "connecting" | "catching_up" | "online" | "offline" | "refused"} Link
 * @typedef {"none" | "wanted" | "asked"} HumanWish
 * @typedef {{ epoch: number, score: number, comment: string, status: "queued" | "sent" }} Rating
 *
 * @typedef {object} State
 * @property {Locale} locale
 * @property {Link} link
 * @property {string} conversation
 * @property {number} headSeq the newest seq the server told of at the last welcome
 * @property {number} oldSeq what was already said when the panel first looked; not news
 * @property {number} afterSeq everything up to here is in `messages`
 * @property {Message[]} messages by seq, without gaps
 * @property {Pending[]} outbox in the order written
 * @property {Run | null} run
 * @property {string[]} endedRuns the last few runs that are over; late pieces of them are dropped
 * @property {Owner} owner
 * @property {{ who: string, until: number } | null} typing
 * @property {number} maxChars
 * @property {boolean} isSimulated
 * @property {HumanWish} human
 * @property {Rating | null} rating
 * @property {boolean} isOpen whether the customer can see the panel
 * @property {number} readSeq
 * @property {number} gaps how often a gap was noticed; a change calls for a new hello
 * @property {{ key: number, sender: Sender, text: string } | null} news the last live message from the shop
 * @property {string} notice the code of the last error to tell, or ""
 * @property {boolean} isBack whether to say that the connection is back
 *
 * @typedef {{ type: "connecting" } | { type: "offline" } | { type: "refused", code: string } |
 *   { type: "frame", frame: Frame, now: number } |
 *   { type: "compose", clientId: string, text: string, at: string } |
 *   { type: "restore", pending: Pending[] } | { type: "forget", clientIds: string[] } |
 *   { type: "sending", clientId: string } | { type: "overdue", clientId: string } |
 *   { type: "retry", clientId: string } | { type: "withdraw", clientId: string } |
 *   { type: "want_human" } | { type: "asked_human" } |
 *   { type: "rate", score: number, comment: string } | { type: "rated", rating: Rating } |
 *   { type: "open", isOpen: boolean } | { type: "seen", seq: number } |
 *   { type: "locale", locale: Locale } | { type: "calm" } | { type: "tick", now: number } |
 *   { type: "reset" }} Action
 */

export {};
