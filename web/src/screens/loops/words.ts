// A loop in words: whose it is, what it is about, how its clock stands, what was done.
import type { Answer, Problem } from "../../api/client.ts";
import { t, wordFor, type WordKey } from "../../catalogue.ts";
import { dayAndClock, dayLong, duration, secondsOf } from "../../format.ts";
import type { IconName } from "../../parts/icons.tsx";
import { problemWords } from "../../parts/load.tsx";
import { roleNames } from "../../policy-names.ts";
import { settings } from "../../settings.ts";
import { areaWords, say, type Field, type Stage } from "./definitions.ts";

export const listId = "loop-list";

export type Row = Answer<"GET /api/v1/loops">["items"][number];
export type Loop = Answer<"GET /api/v1/loops/{id}">;
type Seat = Row["owner"];

export const roleWords = (role: string): string => roleNames[role]?.[settings.language] ?? role;

/** A seat at its area. In Chinese a title that begins as the area's name ends says it once:
 *  常州市 + 市指挥部值班长, 新桥镇 + 镇街值班. */
export function seatAt(area: string, role: string): string {
  const title = /(镇|街道)$/.test(area) ? role.replace(/^镇街/, "") : role;
  const once = /^[市区]/.test(title) && area.endsWith(title[0] ?? "") ? title.slice(1) : title;
  return t("seatRole", { area, role: once });
}

export function seatWords(seat: Seat): string {
  const area = areaWords(seat.area);
  if (seat.form === "unit") return t("seatUnit", { no: seat.no ?? "—" });
  if (seat.form === "person") return t("seatPerson", { no: seat.no ?? "—" });
  const role = seat.role ? roleWords(seat.role) : "";
  if (seat.form === "lead") return t("seatLead", { area });
  return area ? seatAt(area, role) : role;
}

/** What the loop is about; persons stand by number alone. */
export function subjectWords(subject: Row["subject"]): string {
  if (subject.kind === "none") return "";
  const kind = wordFor("subject", subject.kind) ?? subject.kind;
  if (subject.kind === "area" && subject.code) return areaWords(subject.code);
  if (subject.code) return `${kind} ${subject.code}`;
  return subject.no ? t("subjectNumber", { kind, no: subject.no }) : t("subjectHidden", { kind });
}

/** The page of something that a loop names, where there is one and the reader may open it; else "".
 *  A person's page asks for a purpose, which the loop may be. Alerts that the city found have codes
 *  made of their numbers. */
export function addressOf(kind: string, named: unknown, permissions: readonly string[]): string {
  const may = (permission: string): boolean => permissions.includes(permission);
  const no = typeof named === "number" && named > 0 ? named : 0;
  const alert = kind === "alert" ? (/^A([1-9]\d*)$/.exec(String(named))?.[1] ?? "") : "";
  if (kind === "person" && no && may("status.read")) return `/people/${no}`;
  if (kind === "unit" && no && may("venue.read")) return `/people/units/${no}`;
  if (kind === "venue" && no && may("venue.read")) return `/venues/${no}`;
  if (kind === "case" && no && may("case.read")) return `/cases/${no}`;
  return alert && may("alert.read") ? `/alerts/${alert}` : "";
}

// ---- Clocks

const hour = 3600;
const day = 24 * hour;

/** Durations of any length: from three days on in days, from ten on in whole ones. */
export function span(seconds: number): string {
  if (seconds < 3 * day) return duration(seconds);
  const days = Math.floor(seconds / day);
  const hours = days < 10 ? Math.floor((seconds % day) / hour) : 0;
  if (settings.language === "zh") return hours ? `${days} 天 ${hours} 小时` : `${days} 天`;
  return hours ? `${days} d ${hours} h` : `${days} d`;
}

/** The clock of a stage, or how it ended. */
export const clockOf = (stage: Stage): string =>
  stage.final
    ? t(`state_${stage.final as "done" | "failed" | "cancelled"}`)
    : stage.within_seconds === null
      ? t("clockByField")
      : span(stage.within_seconds);

export interface Standing {
  tone: "late" | "soon" | "open" | "done" | "ended";
  icon: IconName;
  words: string;
  /** Of the time that the stage has, 0 to 1; null where it has ended. */
  used: number | null;
}

/** `now` is null until the city's time is known: then the deadline itself stands in place of a count. */
export function standing(row: Row | Loop, now: number | null): Standing {
  if (row.state !== "open") {
    const tone = row.state === "done" ? "done" : "ended";
    return { tone, icon: tone, words: t(`state_${row.state}`), used: null };
  }
  if (row.due_at === null)
    return { tone: "ended", icon: "unknown", words: t("clockUnknown"), used: null };
  if (now === null) {
    const tone = row.overdue ? "late" : "open";
    return { tone, icon: tone, words: t("dueAt", { time: dayAndClock(row.due_at) }), used: null };
  }
  const left = secondsOf(row.due_at) - now;
  const whole = secondsOf(row.due_at) - secondsOf(row.entered_at);
  const used = whole > 0 ? Math.min(1, Math.max(0, 1 - left / whole)) : 1;
  if (left <= 0)
    return { tone: "late", icon: "late", words: t("clockLate", { span: span(-left) }), used: 1 };
  const tone = left < hour ? "soon" : "open";
  return { tone, icon: tone, words: t("clockLeft", { span: span(left) }), used };
}

// ---- Values

/** A choice by its title; by its name where the definition has none (yet). */
export function choiceWords(field: Field | undefined, value: string): string {
  const choice = field?.choices.find((one) => one.name === value);
  const title = choice ? say(choice.title) : value;
  return title === value ? value.replaceAll("_", " ") : title;
}

/** `field`: the definition's, for the titles of its choices. */
export function valueWords(type: string, value: unknown, field?: Field): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value))
    return value.map((one) => valueWords(type, one, field)).join(settings.language === "zh" ? "、" : ", ");
  if (typeof value === "boolean") return t(value ? "yes" : "no");
  if (type === "time") return dayAndClock(String(value));
  if (type === "date") return dayLong(String(value));
  if (type === "enum") return choiceWords(field, String(value));
  if (type === "area") return areaWords(String(value));
  if (typeof value === "number" && !["int", "number"].includes(type))
    return t("subjectNumber", { kind: wordFor("subject", type) ?? type, no: value });
  return String(value);
}

// ---- Refusals

const wasFirst = /no hand leads there$/;

// The server says why in English; what it says most often stands here in both languages.
const reasons: [RegExp, WordKey][] = [
  [/^the (field|note) is missing$/, "reasonMissing"],
  [/^empty$/, "reasonMissing"],
  [/^not of this length$/, "reasonLength"],
  [/^not a number$/, "reasonNumber"],
  [/^outside of what the scene allows$/, "reasonRange"],
  [/^none of the choices$/, "reasonChoice"],
  [/^not a (date|time)$/, "reasonTime"],
  [/^there is no .+ of this number$/, "reasonUnknown"],
  [/^unknown (code|area)$/, "reasonUnknown"],
  [/^not (such a list|of this form)$/, "reasonForm"],
  [/within your authority$/, "reasonAuthority"],
  [/^this step is not yours$/, "reasonNotYours"],
  [/^no hand leads|no hand leads there$/, "reasonMoved"],
  [/^it must hold that /, "reasonGuard"],
  [/^nothing waits to be signed$/, "reasonNothingWaits"],
  [/^you asked for this step$/, "reasonAsked"],
  [/^you have signed it$/, "reasonSigned"],
  [/^this signature is not yours to give$/, "reasonSignature"],
  [/^the loop is not yours to hold$/, "reasonNotYours"],
  [/ holds it until /, "reasonHeld"],
  [/^the loop is closed: /, "reasonClosed"],
  [/not yours to write in$/, "reasonNoPart"],
  [/^there are neither words nor photos$/, "reasonNote"],
];

// And what is no answer to who looks at a page, in either language.
const plainer: [RegExp, WordKey][] = [
  [/^not a digest$/, "reasonPhotoWaits"],
  [/^send the photo first$/, "reasonPhotoGone"],
  [/^the photo is too large/, "reasonPhotoLarge"],
  [/^the bytes begin as none of them/, "reasonPhotoKind"],
];

/** Why the server refused, in the reader's language; its own words where they are not known here. */
export function reasonWords(reason: string): string {
  const plain = plainer.find(([form]) => form.test(reason));
  if (plain) return t(plain[1]);
  const known = reasons.find(([form]) => form.test(reason));
  if (!known || settings.language === "en") return reason;
  return t(known[1]);
}

/** What a value of the field must be, from its definition. */
export function hintWords(field: Field): string {
  const { min, max } = field;
  if (field.form !== "any") return say(field.form_title);
  if (field.type === "text" && max !== null && !field.list) return t("hintLength", { max });
  if ((field.type === "int" || field.type === "number") && min !== null && max !== null)
    return t("hintRange", { min, max });
  if (field.type === "photo")
    return field.list && max !== null ? t("hintPhotos", { most: max }) : "";
  if (field.list && field.type !== "enum") return t("hintList");
  if (field.refers && field.type !== "area")
    return t(field.by_code ? "hintCode" : "hintNumber", {
      kind: (wordFor("subject", field.type) ?? field.type).toLowerCase(),
    });
  return "";
}

/** A problem as one sentence for a page without the field that it names. */
export function refusalWords(problem: Problem): string {
  if (problem.status === 0) return problemWords(problem);
  const [first] = problem.errors;
  if (first && wasFirst.test(first.reason)) return t("stepTooLate");
  const why = first ? reasonWords(first.reason) : problem.message;
  if (plainer.some(([form]) => form.test(first?.reason ?? problem.message)))
    return reasonWords(first?.reason ?? problem.message);
  if (settings.language === "en") return problem.message;
  return problem.titleChinese ? t("actRefused", { title: problem.titleChinese, why }) : why;
}
