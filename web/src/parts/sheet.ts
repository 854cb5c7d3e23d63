// The numbers of a chart as rows: what its table shows and what its CSV holds, so that picture, table and
// file cannot say different things. null is what is not known: a word in both, never 0 and never
// empty. "" is what there is none of.
import { t } from "../catalogue.ts";
import { dateAndClock, dayAndClock, dayLong } from "../format.ts";

/** A time, or a day that is a whole one. */
export const timeWords = (time: string): string =>
  time.length > 10 ? dayAndClock(time) : dayLong(time);
export const dateWords = (time: string): string => (time.length > 10 ? dateAndClock(time) : time);

export type Cell = string | number | null;

export interface Column {
  words: string;
  /** How its texts are shown: a day as YYYY-MM-DD or a time as the server writes it. Files keep them
   *  as they are. */
  kind?: "day" | "time";
  /** Of a number, in the table; files keep all. */
  digits?: number;
}

export interface Sheet {
  columns: readonly Column[];
  /** The first cell of a row is its heading. */
  rows: readonly (readonly Cell[])[];
}

/** A cell as people read it. */
export function cellWords(cell: Cell, { kind, digits = 2 }: Column): string {
  if (cell === null) return t("unknown");
  if (cell === "") return "—";
  if (typeof cell === "number")
    return cell.toLocaleString("en-US", { maximumFractionDigits: digits });
  if (kind === "day") return dayLong(cell);
  return kind === "time" ? timeWords(cell) : cell;
}

const beginsFormula = /^'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/;
const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** As the server's exports write it: what a spreadsheet would take for a formula gets an apostrophe. */
export function csvField(cell: Cell): string {
  if (typeof cell === "number") return String(cell);
  const text = cell ?? t("unknown");
  const safe = beginsFormula.test(text) && !isNumber.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** RFC 4180, with a byte order mark, without which spreadsheets take UTF-8 for something else. The last
 *  column is the time for which the row is true; of what is of no moment ("") there is none. */
export function csvOf({ columns, rows }: Sheet, asOf: string | null): string {
  const timed = asOf !== "";
  const lines = [
    [...columns.map(({ words }) => words), ...(timed ? [t("sheetAsOf")] : [])],
    ...rows.map((row) => [...row, ...(timed ? [asOf] : [])]),
  ];
  return `\ufeff${lines.map((line) => `${line.map(csvField).join(",")}\r\n`).join("")}`;
}

/** How many of the days (or weeks) are on record, as a part of a sentence. */
export function daysKnown(values: readonly unknown[], step: "day" | "week" = "day"): string {
  const known = values.filter((value) => value !== null).length;
  const whole = known === values.length;
  const all = step === "day" ? "daysAll" : "weeksAll";
  const some = step === "day" ? "daysSome" : "weeksSome";
  return t(whole ? all : some, { days: values.length, known });
}
