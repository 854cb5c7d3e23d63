// What the figures of the situation ask for: cases, gaps in the data, silent venues. What has an owner
// and a clock stands before them (owned-needs.ts).
import { t, type WordKey } from "../../catalogue.ts";
import { areaName, clock, count, dayShort, dayLong, percent, rate } from "../../format.ts";
import { latestCase, rateOf, weekOf, type Days, type Situation } from "./figures.ts";

export interface Need {
  id: string;
  kind: "told" | "late" | "alert" | "cases" | "gap" | "silent";
  /** Stands in the disc before a row of cases. */
  figure: string;
  area: string;
  /** Code of the district, empty for the whole area. */
  code: string;
  what: string;
  meta: string;
  /** The page that it opens, where it has one of its own. */
  address?: string;
}

function caseNeeds(situation: Situation): Need[] {
  return situation.districts
    .map((district) => ({
      district,
      week: weekOf(district.cases_by_day),
      today: district.cases_by_day.at(-1) ?? 0,
    }))
    .filter((row) => (row.week.value ?? 0) > 0)
    .sort((a, b) => b.today - a.today || (b.week.value ?? 0) - (a.week.value ?? 0))
    .map(({ district, week, today }) => ({
      id: `cases-${district.code}`,
      kind: "cases",
      figure: count(week.value),
      area: areaName(district),
      code: district.code,
      what: t("needCases", { week: count(week.value), today: count(today) }),
      meta: t("needCasesMeta", {
        day: dayLong(latestCase(district, situation.days) ?? ""),
        rate: rate(rateOf(district) ?? 0),
      }),
    }));
}

/** Runs of days that are not on record; a day that is hidden is. */
function gapsOf(
  values: Days,
  days: readonly string[],
  hidden: readonly boolean[] = [],
): [string, string][] {
  const gaps: [string, string][] = [];
  const isGap = (i: number): boolean => values[i] === null && !hidden[i];
  values.forEach((_, i) => {
    const day = days[i] ?? "";
    const last = gaps.at(-1);
    if (!isGap(i)) return;
    if (last && i > 0 && isGap(i - 1)) last[1] = day;
    else gaps.push([day, day]);
  });
  return gaps;
}

function gapNeeds(situation: Situation): Need[] {
  const series: [WordKey, Days, (readonly boolean[])?][] = [
    ["seriesCases", situation.series.cases_by_report, situation.hidden.cases_by_report],
    ["seriesTests", situation.series.tests, situation.hidden.tests],
    ["seriesScans", situation.series.scans],
  ];
  const base = { kind: "gap" as const, figure: "", area: areaName(situation.area), code: "" };
  const needs: Need[] = series.flatMap(([name, values, hidden]) =>
    gapsOf(values, situation.days, hidden).map(([from, to]) => ({
      ...base,
      id: `gap-${name}-${from}`,
      what: t(from === to ? "needGapOne" : "needGap", {
        series: t(name),
        from: dayShort(from),
        to: dayShort(to),
      }),
      meta: t("needGapMeta"),
    })),
  );
  const today = situation.series.tests.at(-1);
  const yesterday = situation.series.tests.at(-2) ?? 0;
  if (today === 0 && yesterday > 0)
    needs.unshift({
      ...base,
      id: "gap-tests-today",
      what: t("needTestsToday", { time: clock(situation.as_of) }),
      meta: t("needTestsTodayMeta", { count: count(yesterday) }),
    });
  return needs;
}

function silentNeeds(situation: Situation): Need[] {
  return situation.districts
    .flatMap((district) => {
      const { venues, venues_in_use_24h: used } = district;
      return venues && used !== null && used < venues ? [{ district, venues, used }] : [];
    })
    .sort((a, b) => b.venues - b.used - (a.venues - a.used))
    .map(({ district, venues, used }) => ({
      id: `silent-${district.code}`,
      kind: "silent",
      figure: "",
      area: areaName(district),
      code: district.code,
      what: t("needSilent", { count: count(venues - used) }),
      meta: t("needSilentMeta", { venues: count(venues), share: percent(used / venues) }),
    }));
}

export function needsOf(situation: Situation): Need[] {
  return [...caseNeeds(situation), ...gapNeeds(situation), ...silentNeeds(situation)];
}
