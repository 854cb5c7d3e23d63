// What coverage says, worked out without drawing. What is not known stays null, and never becomes 0.
import type { Answer } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { areaName, clock, count, dayLong } from "../../format.ts";
import type { IconName } from "../../parts/icons.tsx";
import type { Cell as SheetCell, Sheet } from "../../parts/sheet.ts";
import { categoryNames } from "../../policy-names.ts";
import { settings } from "../../settings.ts";

export type Coverage = Answer<"GET /api/v1/venues/coverage">;
export type Cell = Coverage["items"][number];
export type Row = Answer<"GET /api/v1/venues">["items"][number];
export type Venue = Answer<"GET /api/v1/venues/{no}">;

export const categoryWords = (category: string): string =>
  categoryNames[category]?.[settings.language] ?? category;

export interface Sum {
  registered: number;
  inUse: number | null;
  silent: number | null;
  suspected: number;
  /** Units of the category in the register, and those of them that have a code. */
  units: number | null;
  coded: number | null;
}

const plus = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? null : a + b;
/** Here an unknown part is no register of it, not a hole in it. */
const plusKnown = (a: number | null, b: number | null): number | null =>
  a === null ? b : b === null ? a : a + b;

const nothing: Sum = {
  registered: 0,
  inUse: 0,
  silent: 0,
  suspected: 0,
  units: null,
  coded: null,
};

export const sumOf = (cells: readonly Cell[]): Sum =>
  cells.reduce<Sum>(
    (sum, cell) => ({
      registered: sum.registered + cell.registered,
      inUse: plus(sum.inUse, cell.in_use),
      silent: plus(sum.silent, cell.silent),
      suspected: sum.suspected + cell.suspected,
      units: plusKnown(sum.units, cell.units),
      coded: plusKnown(sum.coded, cell.units_coded),
    }),
    nothing,
  );

export interface CategoryRow {
  category: string;
  sum: Sum;
  cells: ReadonlyMap<string, Cell>;
}

/** Rows by where most venues are silent: what would be done first stands first. */
export function rowsOf(coverage: Coverage): CategoryRow[] {
  const byCategory = new Map<string, Cell[]>();
  for (const cell of coverage.items)
    byCategory.set(cell.category, [...(byCategory.get(cell.category) ?? []), cell]);
  return [...byCategory]
    .map(([category, cells]) => ({
      category,
      sum: sumOf(cells),
      cells: new Map(cells.map((cell) => [cell.area, cell])),
    }))
    .sort(
      (a, b) =>
        b.sum.suspected - a.sum.suspected ||
        (b.sum.silent ?? 0) - (a.sum.silent ?? 0) ||
        b.sum.registered - a.sum.registered,
    );
}

/** Areas that stand as columns: the asked area itself only where venues lie in no area below. */
export function columnsOf(coverage: Coverage): Coverage["areas"] {
  const own = coverage.areas.at(-1);
  const alone = coverage.areas.length === 1;
  return coverage.areas.filter(
    (area) => alone || area !== own || coverage.items.some((cell) => cell.area === area.code),
  );
}

/** Share in use, 0 to 1; null where it is not known or there is nothing to share. */
export const shareOf = (registered: number, inUse: number | null): number | null =>
  inUse === null || !registered ? null : inUse / registered;

/** "100 %" is said of all and "0 %" of none only. */
export function shareText(share: number): string {
  const whole = Math.round(share * 100);
  const shown = share < 1 && whole === 100 ? 99 : share > 0 && whole === 0 ? 1 : whole;
  return `${shown}${settings.language === "zh" ? "\u00a0%" : "%"}`;
}

/** Class of the fill: the fewer in use, the darker. */
export const shareSteps = [0.95, 0.8, 0.5] as const;
export const fillOf = (share: number): string =>
  `m${shareSteps.filter((step) => share < step).length}`;

export function ledeOf(coverage: Coverage): string {
  const all = sumOf(coverage.items);
  const time = clock(coverage.true_for);
  const share = shareOf(all.registered, all.inUse);
  if (!all.registered) return t("venuesNone");
  if (share === null || all.silent === null)
    return t("venuesUseUnknown", { count: count(all.registered) });
  return t("venuesLede", {
    hours: coverage.in_use_hours,
    count: count(all.registered),
    used: count(all.inUse),
    share: shareText(share),
    time,
  });
}

/** Where least is in use; "" where nothing is known of any category. */
export function heatTitle(coverage: Coverage): string {
  const shares = rowsOf(coverage).flatMap(({ category, sum }) => {
    const share = shareOf(sum.registered, sum.inUse);
    return share === null ? [] : [{ category, share }];
  });
  const least = shares.sort((a, b) => a.share - b.share)[0];
  if (!least) return t("heatTitleUnknown");
  return t("heatTitle", {
    category: categoryWords(least.category),
    share: shareText(least.share),
    hours: coverage.in_use_hours,
  });
}

/** All cells as rows, sums first: what the heat table shows. */
export function sheetOf(coverage: Coverage): Sheet {
  const names = new Map(coverage.areas.map((area) => [area.code, areaName(area)]));
  const row = (category: string, area: string, sum: Sum): SheetCell[] => [
    category,
    area,
    sum.registered,
    sum.inUse,
    sum.silent,
    sum.suspected,
    sum.coded,
    sum.units,
  ];
  const words = [
    "thCategory",
    "thArea",
    "thVenueCount",
    "thInUse",
    "thSilent",
    "thCopied",
    "thWithCode",
    "thUnits",
  ] as const;
  return {
    columns: words.map((key) => ({ words: t(key) })),
    rows: [
      row(t("categoryAll"), t("venueAreas"), sumOf(coverage.items)),
      ...rowsOf(coverage).flatMap(({ category, sum, cells }) => [
        row(categoryWords(category), t("venueAreas"), sum),
        ...[...cells].map(([area, cell]) =>
          row(categoryWords(category), names.get(area) ?? area, sumOf([cell])),
        ),
      ]),
    ],
  };
}

// ---- One venue in words

export interface Standing {
  icon: IconName;
  tone: "late" | "done" | "ended" | "plain";
  words: string;
}

export function standingOf(row: Row | Venue): Standing {
  if (row.state === "closed") return { icon: "ended", tone: "ended", words: t("venue_closed") };
  if (row.suspected) return { icon: "late", tone: "late", words: t("venue_suspected") };
  if (row.state === "silent") return { icon: "silent", tone: "plain", words: t("venue_silent") };
  if (row.state === "unknown") return { icon: "unknown", tone: "plain", words: t("unknown") };
  return { icon: "done", tone: "done", words: t("venue_in_use") };
}

/** When it was scanned last, in words; a venue without a scan says since when that is so. */
export function lastWords(last: string | null, knownFrom: string | null): string {
  if (last) return `${dayLong(last)} ${clock(last)}`;
  return knownFrom ? t("venueNoScanSince", { day: dayLong(knownFrom) }) : t("unknown");
}

export function chartTitle(venue: Venue): string {
  const known = venue.scans_by_day.filter((value): value is number => value !== null);
  const yesterday = venue.scans_by_day.at(-2) ?? null;
  const max = Math.max(0, ...known);
  if (!known.length) return t("venueChartUnknown");
  if (!max) return t("venueChartNone");
  const values = { max: count(max), day: dayLong(venue.days[venue.scans_by_day.indexOf(max)] ?? "") };
  return yesterday === null
    ? t("venueChartNoYesterday", values)
    : t("venueChart", { ...values, yesterday: count(yesterday) });
}
