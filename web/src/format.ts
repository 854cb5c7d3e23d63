// Times and numbers in words. A time is shown as the city wrote it (its own offset), never in the
// time zone of the reader's machine.
import { settings } from "./settings.ts";

const missing = "—";

export const clock = (time: string | null): string => (time ? time.slice(11, 16) : missing);
export const clockSeconds = (time: string): string => time.slice(11, 19);

const monthOf = (date: string): number => Number(date.slice(5, 7));
const dayOf = (date: string): number => Number(date.slice(8, 10));

/** 4/9 on an axis. */
export const dayShort = (date: string): string => `${monthOf(date)}/${dayOf(date)}`;

const monthsEnglish = [
  "Jan",
  "Feb",
  "Mar",
  "Apr",
  "May",
  "Jun",
  "Jul",
  "Aug",
  "Sep",
  "Oct",
  "Nov",
  "Dec",
];

/** 4月9日, or 9 Apr. */
export function dayLong(date: string): string {
  return settings.language === "zh"
    ? `${monthOf(date)}月${dayOf(date)}日`
    : `${dayOf(date)} ${monthsEnglish[monthOf(date) - 1] ?? ""}`;
}

const weekdays = {
  zh: ["周日", "周一", "周二", "周三", "周四", "周五", "周六"],
  en: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
};

export function weekday(date: string): string {
  return weekdays[settings.language][new Date(`${date.slice(0, 10)}T00:00:00Z`).getUTCDay()] ?? "";
}

export const dayAndClock = (time: string | null): string =>
  time ? `${dayLong(time)} ${clock(time)}` : missing;

/** 2022-04-14 14:30: where the year matters. */
export const dateAndClock = (time: string | null): string =>
  time ? `${time.slice(0, 10)} ${clock(time)}` : missing;

export const count = (value: number | null): string =>
  value === null ? missing : value.toLocaleString("en-US");

export const rate = (value: number): string =>
  value >= 10 ? value.toFixed(0) : value >= 0.095 ? value.toFixed(1) : value > 0 ? "<0.1" : "0";

/** Nearly all is not all, and nearly none is not none: >99 %, <1 %. */
export function percent(share: number): string {
  const whole = Math.round(share * 100);
  const words =
    share < 1 && whole === 100 ? ">99" : share > 0 && whole === 0 ? "<1" : String(whole);
  return `${words}${settings.language === "zh" ? "\u00a0%" : "%"}`;
}

/** A moment as the city writes it, from seconds since 1970 and the city's offset (+08:00). */
export function cityTime(seconds: number, offset: string): string {
  const [, sign = "+", hours = "0", minutes = "0"] = /^([+-])(\d\d):(\d\d)$/.exec(offset) ?? [];
  const ahead = (sign === "-" ? -1 : 1) * (Number(hours) * 3600 + Number(minutes) * 60);
  return new Date((seconds + ahead) * 1000).toISOString().slice(0, 19) + offset;
}

/** 48 秒, 12 分, 3 小时 40 分: seconds in words. */
export function duration(seconds: number): string {
  const chinese = settings.language === "zh";
  const rounded = Math.round(seconds);
  if (rounded < 60) return chinese ? `${rounded} 秒` : `${rounded} s`;
  const minutes = Math.round(rounded / 60);
  if (minutes < 100) return chinese ? `${minutes} 分` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (!rest) return chinese ? `${hours} 小时` : `${hours} h`;
  return chinese ? `${hours} 小时 ${rest} 分` : `${hours} h ${rest} min`;
}

/** The name of an area in the reader's language; most towns have a Chinese one only. */
export function areaName(area: { name_zh: string; name_en: string } | null): string {
  if (!area) return missing;
  return settings.language === "en" && area.name_en ? area.name_en : area.name_zh;
}

/** Seconds since 1970 of a time with its offset. */
export const secondsOf = (time: string): number => Date.parse(time) / 1000;

/** Hours since midnight of the city, from the text itself. */
export const hourOf = (time: string): number =>
  Number(time.slice(11, 13)) + Number(time.slice(14, 16)) / 60 + Number(time.slice(17, 19)) / 3600;
