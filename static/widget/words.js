// @ts-check
/**
 * Everything the panel itself says, in the languages csbot speaks. Thai speaks politely and without a gender of its own
 * where a sentence allows it.
 *
 * @import { Locale } from "./types.js"
 */

const th = {
  assistant: "ผู้ช่วยอัตโนมัติ",
  you: "คุณ",
  team: "เจ้าหน้าที่",
  log: "การสนทนา",
  close: "ปิดหน้าต่างแชต",
  language: "Switch to English",
  otherLanguage: "EN",
  simulated: "โหมดทดลอง: คำตอบมาจากตัวจำลอง ไม่ใช่ AI จริง",
  today: "วันนี้",
  yesterday: "เมื่อวาน",

  statusBot: "ผู้ช่วยอัตโนมัติ ตอบทันที",
  statusWaiting: "กำลังรอเจ้าหน้าที่",
  statusAgent: (/** @type {string} */ name) => `${name} กำลังดูแลคุณ`,
  statusResolved: "ปิดเรื่องแล้ว",
  statusOffline: "ออฟไลน์",

  connecting: "กำลังเชื่อมต่อ…",
  catchingUp: "กำลังโหลดข้อความ…",
  offline: "ออฟไลน์ กำลังลองเชื่อมต่อใหม่",
  offlineUnsent: (/** @type {number} */ count) => `ออฟไลน์ ยังไม่ได้ส่ง ${count} ข้อความ`,
  upToDate: "เชื่อมต่อแล้ว ข้อความเป็นปัจจุบัน",
  refused: "แชตนี้ยังใช้บนหน้านี้ไม่ได้",
  tryNow: "ลองเดี๋ยวนี้",

  placeholder: "พิมพ์ข้อความ…",
  message: "ข้อความ",
  send: "ส่งข้อความ",
  stop: "หยุดตอบ",
  left: (/** @type {number} */ used, /** @type {number} */ limit) => `${used} / ${limit}`,
  tooLongNow: (/** @type {number} */ over) => `ยาวเกินไป ${over} ตัวอักษร`,

  sending: "กำลังส่ง",
  queued: "รอส่ง",
  sent: "ส่งแล้ว",
  failed: "ยังไม่ได้ส่ง แตะเพื่อลองอีกครั้ง",
  failedLater: "ส่งถี่เกินไป จะส่งให้เองในอีกสักครู่",
  failedEdit: "ส่งข้อความนี้ไม่ได้ แตะเพื่อแก้ไข",
  failedTooLong: "ข้อความยาวเกินไป แตะเพื่อแก้ไข",
  stopped: "หยุดไว้กลางคัน",

  writing: (/** @type {string} */ name) => `${name}กำลังพิมพ์`,
  latest: "ข้อความล่าสุด",

  askHuman: "คุยกับเจ้าหน้าที่",
  askingHuman: "กำลังแจ้งเจ้าหน้าที่…",
  askHumanLater: "จะแจ้งเจ้าหน้าที่เมื่อเชื่อมต่อได้",
  waiting: "กำลังรอเจ้าหน้าที่",
  onDutyUntil: (/** @type {string} */ clock) => `เปิดทำการถึง ${clock} น. ตอบในแชตนี้`,
  backFrom: (/** @type {string} */ clock) => `นอกเวลาทำการ จะตอบตั้งแต่ ${clock} น.`,
  withAgent: (/** @type {string} */ name) => `คุณกำลังคุยกับ ${name}`,

  rate: "การช่วยเหลือครั้งนี้เป็นอย่างไร",
  scores: ["แย่มาก", "ไม่ดี", "พอใช้", "ดี", "ดีมาก"],
  comment: "อยากบอกอะไรเพิ่มเติมไหม (ไม่บังคับ)",
  submitRating: "ส่งคะแนน",
  thanks: "ขอบคุณสำหรับคะแนน",

  error: "ทำรายการไม่สำเร็จ กรุณาลองอีกครั้ง",
  tooMany: "ส่งถี่เกินไป กรุณารอสักครู่",
};

/** @type {typeof th} */
const en = {
  assistant: "Assistant",
  you: "You",
  team: "Our team",
  log: "Conversation",
  close: "Close the chat",
  language: "เปลี่ยนเป็นภาษาไทย",
  otherLanguage: "ไทย",
  simulated: "Test mode: a simulator answers, not a real AI",
  today: "Today",
  yesterday: "Yesterday",

  statusBot: "Assistant, answers at once",
  statusWaiting: "Waiting for a person",
  statusAgent: (name) => `${name} is looking after you`,
  statusResolved: "Resolved",
  statusOffline: "Offline",

  connecting: "Connecting…",
  catchingUp: "Loading messages…",
  offline: "Offline, trying to reconnect",
  offlineUnsent: (count) => `Offline, ${count} ${count === 1 ? "message" : "messages"} not sent`,
  upToDate: "Connected, everything is up to date",
  refused: "This chat can't be used on this page",
  tryNow: "Try now",

  placeholder: "Write a message…",
  message: "Message",
  send: "Send message",
  stop: "Stop",
  left: (used, limit) => `${used} / ${limit}`,
  tooLongNow: (over) => `${over} ${over === 1 ? "character" : "characters"} too long`,

  sending: "Sending",
  queued: "Waiting to be sent",
  sent: "Sent",
  failed: "Not sent, tap to retry",
  failedLater: "Too many at once, will be sent in a moment",
  failedEdit: "This can't be sent, tap to edit",
  failedTooLong: "Too long, tap to edit",
  stopped: "Stopped half-way",

  writing: (name) => `${name} is writing`,
  latest: "Latest messages",

  askHuman: "Talk to a person",
  askingHuman: "Telling our team…",
  askHumanLater: "Our team will be told once you are connected",
  waiting: "Waiting for a person",
  onDutyUntil: (clock) => `On duty until ${clock}, answering here`,
  backFrom: (clock) => `Out of office, answering from ${clock}`,
  withAgent: (name) => `You are talking to ${name}`,

  rate: "How did we do?",
  scores: ["Very bad", "Bad", "Fair", "Good", "Very good"],
  comment: "Anything you would like to add? (optional)",
  submitRating: "Send rating",
  thanks: "Thank you for your rating",

  error: "That didn't work, please try again",
  tooMany: "Too many at once, please wait a moment",
};

/** @typedef {typeof th} Words */

/** @type {Record<Locale, Words>} */
export const WORDS = { th, en };
