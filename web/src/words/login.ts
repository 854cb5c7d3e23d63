// Log-in of officers.
import type { Words } from "../catalogue.ts";

export const loginWords = {
  loginTitle: { zh: "登录指挥台", en: "Log in to the console" },
  loginName: { zh: "用户名", en: "User name" },
  loginPassword: { zh: "密码", en: "Password" },
  loginCode: { zh: "动态验证码（六位）", en: "Code of the second factor (six digits)" },
  loginAct: { zh: "登录", en: "Log in" },
  loginBusy: { zh: "正在核对", en: "Checking" },
  loginWrong: { zh: "用户名或密码不对；多次失败后需要等一会儿再试。", en: "The name or password is wrong. After several failures log-in waits a while." },
  loginSessionEnded: { zh: "登录已到期，请重新登录。", en: "Your session has ended. Please log in again." },
  demoLogins: { zh: "演示登录（替身）", en: "Demo log-ins (a stub)" },
  demoLoginsHint: { zh: "这些账号只在演示城市里有，用来代替单位的统一身份认证；真实城市不会显示。点一个即可填入。", en: "These accounts exist in a demo city only and stand in for your organisation's identity provider. A real city never shows them. Choose one to fill it in." },
  cityTime: { zh: "城市时间 {time}", en: "City time {time}" },
  myCodeDoor: { zh: "市民：我的码", en: "Residents: my code" },
} as const satisfies Words;
