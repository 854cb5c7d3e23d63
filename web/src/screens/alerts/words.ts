// An alert in words: what stands out where, how often such a thing was right.
import type { Answer } from "../../api/client.ts";
import { t, wordFor } from "../../catalogue.ts";
import { count, dayLong, percent } from "../../format.ts";
import { areaWords, say } from "../loops/definitions.ts";

export type Desk = Answer<"GET /api/v1/alerts">;
export type Item = Desk["items"][number];
export type Cause = NonNullable<Item["cause"]>;
export type Member = Cause["members"][number];
export type Whole = Answer<"GET /api/v1/alerts/{id}">;
export type Detector = Desk["detectors"][number];
export type Place = Cause["place"];
export type Level = Item["level"];

export const places: Place[] = ["now", "waits", "throttled", "watched"];
export const verdicts = ["true_signal", "known", "data_fault", "watch", "false_alarm"] as const;
export type Verdict = (typeof verdicts)[number];

export const levelWords = (level: Level): string => t("levelLabel", { level: t(`level_${level}`) });
export const detectorWords = (name: string): string => wordFor("detector", name) ?? name;
export const verdictWords = (name: string | null): string =>
  name ? (wordFor("verdict", name) ?? name) : "";

export const titleWords = (alert: Member): string => {
  const title = say(alert.title) || alert.channel;
  return alert.kind === "feed" ? t("silentTitle", { title }) : title;
};

/** A count or an expectation: whole where it is large. */
export function amount(value: number | null): string {
  if (value === null) return "—";
  return value >= 100 || Number.isInteger(value) ? count(Math.round(value)) : value.toFixed(1);
}

/** The figure of a row and what it is held against. */
export function figureWords(alert: Member): { now: string; usual: string } {
  if (alert.kind === "feed")
    return {
      now: t("silentDays", { days: amount(alert.observed) }),
      usual:
        alert.members > 1
          ? t("silentMany", { count: alert.members })
          : t("silentUsual", { days: amount(alert.bound) }),
    };
  const usual = t(alert.by_rule ? "ruleBandFrom" : "expectedTo", { bound: amount(alert.bound) });
  return { now: alert.observed === null ? t("small") : amount(alert.observed), usual };
}

export function sentence(alert: Member): string {
  const place = areaWords(alert.area);
  const title = say(alert.title) || alert.channel;
  if (alert.kind === "feed")
    return t("alertSentenceSilent", { place, title, days: amount(alert.observed) });
  const day = dayLong(alert.last_day);
  if (alert.observed === null) return t("alertSentenceSmall", { day, place, title });
  return t(alert.by_rule ? "alertSentenceRule" : "alertSentence", {
    day,
    place,
    title,
    observed: amount(alert.observed),
    bound: amount(alert.bound),
  });
}

export const recordOf = (detectors: readonly Detector[], alert: Member): Detector | undefined =>
  detectors.find((one) => one.channel === alert.channel && one.detector === alert.detector);

export function recordWords(record: Detector | undefined): string {
  const near = record?.days_28;
  if (!near?.judged) return t("recordNone");
  return t("recordOf", { right: near.true_signals, judged: near.judged });
}

export const precisionWords = (span: Detector["days_28"]): string =>
  span.precision === null
    ? t("precisionUnknown")
    : t("precisionWords", {
        share: percent(span.precision),
        right: span.true_signals,
        judged: span.judged,
      });

/** A probability that may be tiny. */
export const chance = (p: number | null): string =>
  p === null ? "—" : p >= 0.001 ? p.toPrecision(2) : p > 0 ? p.toExponential(0) : "0";

export const idsOf = (item: Item): number[] => [
  item.id,
  ...(item.cause?.members ?? []).map((member) => member.id),
];
