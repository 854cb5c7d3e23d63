// The frame of the console.
import type { Words } from "../catalogue.ts";

export const frameWords = {
  brand: { zh: "城脉", en: "Chengmai" },
  skip: { zh: "跳到正文", en: "Skip to content" },
  situation: { zh: "态势", en: "Situation" },
  cases: { zh: "流调", en: "Cases" },
  loops: { zh: "闭环", en: "Loops" },
  pages: { zh: "页面", en: "Pages" },
  demoCity: { zh: "演示城市", en: "Demo city" },
  demoCityHint: { zh: "合成数据，没有真实的人", en: "Synthetic data, no real persons" },
  live: { zh: "实时，{time}", en: "Live, {time}" },
  away: { zh: "连不上服务器，数据停在 {time}，正在重连", en: "The server is not answering. Data stand at {time}; reconnecting" },
  sound: { zh: "声音", en: "Sound" },
  soundHint: { zh: "有新到的事项时响一声；这台浏览器上记住", en: "A short tone when something new arrives; kept in this browser" },
  connecting: { zh: "正在连接", en: "Connecting" },
  notFoundTitle: { zh: "没有这个页面", en: "No such page" },
  toSituation: { zh: "回到态势", en: "Back to the situation" },

  // Acts on many wait before they are sent
  undoBar: { zh: "等待发出的操作", en: "An act that waits to be sent" },
  undoWaits: { zh: "现在还没有发出，可以撤回。", en: "Nothing is sent yet; it can be taken back." },
  undoLeft: { zh: "{seconds} 秒后发出", en: "sent in {seconds} s" },
  undoAct: { zh: "撤回", en: "Undo" },
  undoSend: { zh: "现在发出", en: "Send now" },
  undoSending: { zh: "正在发出：{words}", en: "Sending: {words}" },
  undoUndone: { zh: "已撤回，没有发出：{words}", en: "Taken back, nothing was sent: {words}" },
  undoFailed: { zh: "没有得到确认：{words}", en: "Not confirmed: {words}" },
  undoRefused: { zh: "{count} 件没有办成", en: "{count} not done" },
  undoClose: { zh: "关闭", en: "Close" },
} as const satisfies Words;
