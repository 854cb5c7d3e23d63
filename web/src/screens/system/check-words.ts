// What a check says, in the reader's language. The server says it in English; a sentence that is not
// known here is shown as it came.
import { t, wordFor, type WordKey } from "../../catalogue.ts";
import { count } from "../../format.ts";
import { settings } from "../../settings.ts";

const sentences: [RegExp, WordKey][] = [
  [/^(?<count>\d+) records$/, "lineRecords"],
  [/^record (?<no>\d+) does not verify$/, "lineBroken"],
  [/^(?<count>\d+) records under (?<seals>\d+) seals$/, "lineSeals"],
  [/^from a (?<source>.+) that only its owner may read$/, "lineKey"],
  [/^(?<size>[\d.]+) GB free$/, "lineSpace"],
  [/^(?<size>[\d.]+) GB free - make room/, "lineSpaceScarce"],
  [/^built-in and signed ones only$/, "lineRules"],
  [/^(?<name>\S+) is not signed and not taken/, "lineRuleUnsigned"],
  [/^(?<count>\d+) by (?<channel>\S+) wait, none was given up$/, "lineNotices"],
  [/^(?<count>\d+) by (?<channel>\S+) were given up/, "lineNoticesLost"],
  [/^(?<count>\d+) kept, (?<looked>\d+) opened$/, "linePhotos"],
  [/^(?<count>\d+) persons with evidence derived again, (?<wrong>\d+) differ$/, "lineStatus"],
  [/^(?<count>\d+) derived again from their acts$/, "lineLoops"],
  [/^(?<segments>\d+) segments, (?<count>\d+) events, (?<bad>\d+) damaged$/, "lineSegments"],
  [/^as the loops$/, "lineCounters"],
  [/^ok$/, "lineGood"],
  [/^unbroken$/, "lineUnbroken"],
];

/** Whole numbers as they are written elsewhere, names in the reader's language. */
const shownOf = (groups: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(groups).map(([name, text]) => [
      name,
      /^\d+$/.test(text) ? count(Number(text)) : (wordFor("lineName", text) ?? text),
    ]),
  );

export const checkWords = (check: string): string =>
  wordFor("check", check.replaceAll(" ", "_")) ?? check;

export function lineWords(_check: string, words: string): string {
  if (settings.language === "en") return words;
  for (const [form, key] of sentences) {
    const found = form.exec(words);
    if (found) return t(key, shownOf(found.groups ?? {}));
  }
  return words;
}
