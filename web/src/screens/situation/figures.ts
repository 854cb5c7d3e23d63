// What the situation says, worked out from the server's counters: pure, no drawing. The one rule:
// what is not known stays not known, and never becomes 0.
import type { Answer } from "../../api/client.ts";
import { t, type WordKey } from "../../catalogue.ts";
import { areaName, clock, count, dayLong, percent } from "../../format.ts";

export type Situation = Answer<"GET /api/v1/situation">;
export type District = Situation["districts"][number];
export type Days = readonly (number | null)[];

const week = 7;

export interface WeekCases {
  /** null: no day of the week is on record. */
  value: number | null;
  /** Every day of the week is on record. */
  whole: boolean;
}

/** The last 7 days from the days themselves, so that a missing day is seen. Today alone is no
 *  week. */
export const weekOf = (days: Days): WeekCases => lastDays(days, week);

function lastDays(days: Days, length: number): WeekCases {
  const last = days.slice(-length);
  const past = last.slice(0, -1).filter((value) => value !== null);
  if (!past.length) return { value: null, whole: false };
  const known = last.filter((value): value is number => value !== null);
  return { value: known.reduce((sum, value) => sum + value, 0), whole: known.length === length };
}

export function rateOf(district: District): number | null {
  const { value } = weekOf(district.cases_by_day);
  return value === null || !district.population ? null : (value / district.population) * 1e5;
}

/** Class of the map's fill: m0 to m3, null where the rate is not known. */
export const rateSteps = [0.5, 1, 2] as const;
export function fillOf(district: District): string | null {
  const rate = rateOf(district);
  return rate === null ? null : `m${rateSteps.filter((step) => rate >= step).length}`;
}

export const latestCase = (district: District, days: readonly string[]): string | null => {
  for (let i = days.length - 1; i >= 0; i--)
    if ((district.cases_by_day[i] ?? 0) > 0) return days[i] ?? null;
  return null;
};

/** Sums of cases that the server counts although days may be missing: here they are as known as
 *  their days. Null: not such a counter. */
export function casesKnown(counter: string, situation: Situation): WeekCases | null {
  const days = situation.series.cases_by_report;
  if (counter === "cases_7d" || counter === "cases_today") return weekOf(days);
  return counter === "cases_14d" ? lastDays(days, days.length) : null;
}

/** A sum of days of which some are missing, or too small to be told, is no less than this. */
export const atLeast = (sum: number, whole: boolean): string => `${whole ? "" : "≥ "}${count(sum)}`;

export const weekText = (cases: WeekCases): string =>
  cases.value === null ? t("unknown") : atLeast(cases.value, cases.whole);

/** Where the cases of the week are, as part of a sentence. */
function whereOf(districts: readonly District[]): string {
  const rows = districts
    .map((district) => ({ district, value: weekOf(district.cases_by_day).value ?? 0 }))
    .filter((row) => row.value > 0)
    .sort((a, b) => b.value - a.value);
  const sum = rows.reduce((total, row) => total + row.value, 0);
  const first = rows[0];
  if (!first) return t("whereNotShown"); // there are some, and no district says so
  const name = areaName(first.district);
  // Of a look at one district it is no finding that all of them are there.
  if (rows.length === 1) return t(districts.length === 1 ? "whereOnly" : "whereOne", { name });
  if (first.value / sum >= 0.5) return t("whereMost", { share: percent(first.value / sum), name });
  return t("whereSpread", { count: rows.length });
}

function cityWeek(situation: Situation): WeekCases {
  return weekOf(situation.series.cases_by_report);
}

/** A day is null because it is hidden, not because nothing is on record. */
const anyHidden = (marks: readonly boolean[]): boolean => marks.includes(true);

export function ledeOf(situation: Situation): string {
  const cases = cityWeek(situation);
  const time = clock(situation.as_of);
  const hidden = anyHidden(situation.hidden.cases_by_report.slice(-week));
  if (hidden && !cases.value) return t("ledeHidden");
  if (cases.value === null) return t("ledeUnknown");
  if (!cases.value) return t("ledeNone", { time });
  const today = situation.series.cases_by_report.at(-1) ?? null;
  return t("ledeCases", {
    week: weekText(cases),
    where: whereOf(situation.districts),
    time,
    today: today === null ? t("unknown") : count(today),
  });
}

export function mapTitleOf(situation: Situation): string {
  const cases = cityWeek(situation);
  const hidden = anyHidden(situation.hidden.cases_by_report.slice(-week));
  if (cases.value === null || (hidden && !cases.value)) return t("mapTitleUnknown");
  if (!cases.value) return t("mapTitleNone");
  return t("mapTitle", { week: weekText(cases), where: whereOf(situation.districts) });
}

const known = (days: Days): number[] => days.filter((value): value is number => value !== null);
const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

export function reportTitle(situation: Situation): string {
  const values = situation.series.cases_by_report;
  const sum = sumOf(known(values));
  if (!sum && anyHidden(situation.hidden.cases_by_report)) return t("chartReportHidden");
  if (!known(values.slice(0, -1)).length) return t("chartReportUnknown");
  if (!sum) return t("chartReportNone");
  const max = Math.max(...known(values));
  const today = values.at(-1) ?? null;
  return t("chartReportTitle", {
    sum: atLeast(sum, known(values).length === values.length),
    max: count(max),
    day: dayLong(situation.days[values.indexOf(max)] ?? ""),
    time: clock(situation.as_of),
    today: today === null ? t("unknown") : count(today),
  });
}

/** An interval that ends beyond so many times its middle says that the end is not known. */
const wideInterval = 3;

export function samplingTitle(situation: Situation): string {
  const values = situation.series.cases_by_sampling;
  const sum = sumOf(known(values));
  if (!sum && anyHidden(situation.hidden.cases_by_sampling)) return t("chartReportHidden");
  if (!known(values.slice(0, -1)).length) return t("chartReportUnknown");
  if (!sum) return t("chartSamplingNone");
  const last = lastKnown(situation.nowcast);
  const cast = situation.nowcast[last];
  if (cast) {
    const { median, low, high } = cast;
    const day = dayLong(situation.days[last] ?? "");
    return high > wideInterval * median
      ? t("chartSamplingOpen", { day, seen: count(values[last] ?? null) })
      : t("chartSamplingCast", { day, median, low, high });
  }
  const at = values.flatMap((value, i) => (value ? [i] : []));
  const from = dayLong(situation.days[at[0] ?? 0] ?? "");
  const to = dayLong(situation.days[at.at(-1) ?? 0] ?? "");
  const whole = atLeast(sum, known(values).length === values.length);
  return from === to
    ? t("chartSamplingOne", { sum: whole, from })
    : t("chartSamplingTitle", { sum: whole, from, to });
}

export function scansTitle(situation: Situation): string {
  const values = situation.series.scans;
  const yesterday = values.at(-2) ?? null;
  const before = values.at(-9) ?? null;
  if (yesterday === null) return t("chartScansUnknown");
  if (!before) return t("chartScansPlain", { count: count(yesterday) });
  const share = yesterday / before - 1;
  const key: WordKey =
    Math.abs(share) < 0.005 ? "changeSame" : share > 0 ? "changeMore" : "changeLess";
  return t("chartScansTitle", {
    count: count(yesterday),
    change: t(key, { share: percent(Math.abs(share)) }),
  });
}

/** −1 where none is known. */
export const lastKnown = (values: readonly unknown[]): number =>
  values.reduce<number>((last, value, i) => (value === null ? last : i), -1);

/** For when a series is true: a counter's own time where it has one. What was known then was known at
 *  one hour. */
export function dataTime(situation: Situation, counter: string): string | null {
  if (situation.past) return situation.known_at;
  const found = situation.counters.find(({ name }) => name === counter);
  return found ? found.true_for : situation.as_of;
}

const oneDigit = (value: number): string => value.toFixed(1);

/** 1.5（1.1–2.0）: an estimate never stands without its interval. */
export const rangeWords = (estimate: Situation["reproduction"][number]): string =>
  estimate
    ? t("rangeWords", {
        mean: oneDigit(estimate.mean),
        low: oneDigit(estimate.low),
        high: oneDigit(estimate.high),
      })
    : t("unknown");

export function reproductionTitle(situation: Situation): string {
  const last = situation.reproduction[lastKnown(situation.reproduction)];
  if (!last) return t("chartReproductionUnknown");
  const key: WordKey =
    last.low > 1 ? "reproductionGrows" : last.high < 1 ? "reproductionFalls" : "reproductionOpen";
  return t("chartReproductionTitle", { range: rangeWords(last), finding: t(key) });
}

export function loopsTitle(situation: Situation): string {
  const { loops_opened: opened, loops_closed: closed, loops_overdue: overdue } = situation.series;
  if (opened.at(-1) == null) return t("chartLoopsUnknown");
  return t("chartLoopsTitle", {
    opened: opened.at(-1) ?? 0,
    closed: closed.at(-1) ?? 0,
    overdue: overdue.at(-1) ?? 0,
  });
}

export function testsTitle(situation: Situation): string {
  const values = situation.series.tests;
  const yesterday = values.at(-2) ?? null;
  const marks = situation.hidden.tests;
  if (yesterday === null) return t(marks.at(-2) ? "chartTestsHidden" : "chartTestsUnknown");
  const hidden = marks.filter(Boolean).length;
  const missing = values.length - known(values).length - hidden;
  const gap = missing
    ? t("chartTestsGap", { days: missing })
    : hidden
      ? t("chartTestsSome", { days: hidden })
      : t("chartTestsWhole");
  return t("chartTestsTitle", { count: count(yesterday), gap });
}
