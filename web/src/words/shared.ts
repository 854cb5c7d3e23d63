// Words of both documents, the console and the phone pages.
import type { Words } from "../catalogue.ts";

export const sharedWords = {
  languageGroup: { zh: "语言", en: "Language" },
  themeDark: { zh: "深色", en: "Dark" },
  logOut: { zh: "退出", en: "Log out" },
  loading: { zh: "正在读取", en: "Loading" },
  retry: { zh: "再试一次", en: "Try again" },
  failedOffline: { zh: "连不上服务器。没有读到数据，不代表没有情况。", en: "The server is not answering. No data here does not mean that nothing happened." },
  failedForbidden: { zh: "你的岗位没有这项权限。", en: "Your role may not see this." },
  failedMissing: { zh: "没有这一项，或不在你的辖区。", en: "There is no such item in your area." },
  failedOther: { zh: "没有读到：{words}", en: "Could not be read: {words}" },
  actUnanswered: { zh: "连不上服务器，不知道这一步办成没有。先看现在的情况，再决定要不要重办。", en: "The server is not answering: whether this was done is not known. See how things stand before you do it again." },
  actUnansweredSame: { zh: "连不上服务器，不知道这一步办成没有。可以再试：同一件不会办两次。", en: "The server is not answering: whether this was done is not known. Try again: it is never done twice." },
  actForbidden: { zh: "你的岗位不能办这一项。", en: "Your role may not do this." },
  actFailed: { zh: "没有办成：{words}", en: "Not done: {words}" },
  loginUnanswered: { zh: "连不上服务器，还没有登录。", en: "The server is not answering: you are not logged in." },
  unknown: { zh: "未知", en: "not known" },
  until: { zh: "到 {time}", en: "until {time}" },
  person: { zh: "{no} 号", en: "No. {no}" },
  outsideArea: { zh: "辖区外，不显示", en: "outside your area" },

  // Codes
  color_green: { zh: "绿码", en: "Green" },
  color_yellow: { zh: "黄码", en: "Yellow" },
  color_red: { zh: "红码", en: "Red" },
  color_unknown: { zh: "未知", en: "Unknown" },
} as const satisfies Words;
