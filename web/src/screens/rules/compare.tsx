// Two versions of the rules, row by row. What differs is said first, and stands out in its row.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { t, wordFor } from "../../catalogue.ts";
import { dateAndClock } from "../../format.ts";
import { settings } from "../../settings.ts";
import { say } from "../loops/definitions.ts";
import type { RuleSet } from "./rules.tsx";

export const numberWords = (name: string): string =>
  wordFor("rule", name) ?? name.replaceAll("_", " ");

export function unitWords(name: string, value: number): string {
  if (name.endsWith("_hours")) return t("hoursOf", { count: value });
  if (name.includes("_days")) return t("daysOf", { count: value });
  return String(value);
}

const codesOf = (set: RuleSet): string =>
  set.override_reason_codes
    .map((code) => wordFor("override", code) ?? code)
    .join(settings.language === "zh" ? "、" : ", ");

interface Row {
  key: string;
  words: string;
  left: string;
  right: string;
  source: string;
  change: string;
}

function rowsOf(left: RuleSet, right: RuleSet): Row[] {
  const numbers = right.numbers.map((number) => {
    const before = left.numbers.find((one) => one.name === number.name);
    const by = before ? number.value - before.value : 0;
    return {
      key: number.name,
      words: numberWords(number.name),
      left: before ? unitWords(number.name, before.value) : "—",
      right: unitWords(number.name, number.value),
      source: number.source,
      change: by ? `${by > 0 ? "+" : "−"}${Math.abs(by)}` : "",
    };
  });
  const text = (key: string, words: string, before: string, after: string): Row => ({
    key,
    words,
    left: before,
    right: after,
    source: "",
    change: before === after ? "" : t("differs"),
  });
  return [
    ...numbers,
    text("codes", t("ruleCodes"), codesOf(left), codesOf(right)),
    text("from", t("ruleFrom"), dateAndClock(left.valid_from), dateAndClock(right.valid_from)),
    text("to", t("ruleTo"), dateAndClock(left.valid_to), dateAndClock(right.valid_to)),
    text("area", t("ruleArea"), left.area, right.area),
    text("basis", t("ruleBasis"), say(left.legal_basis), say(right.legal_basis)),
  ];
}

/** The numbers and texts that decide something; when a version begins is no difference of rules. */
const differing = (rows: readonly Row[]): number =>
  rows.filter((row) => row.change && row.key !== "from" && row.key !== "to").length;

interface Props {
  sets: readonly RuleSet[];
  chosen: RuleSet;
  inForce: RuleSet | null;
}

export function Compare({ sets, chosen, inForce }: Props): JSX.Element {
  const others = sets.filter((one) => one !== chosen);
  const [against, setAgainst] = useState(
    inForce && inForce !== chosen ? inForce.rule_set : (others[0]?.rule_set ?? ""),
  );
  const [only, setOnly] = useState(false);
  const left = others.find((one) => one.rule_set === against) ?? null;
  const rows = rowsOf(left ?? chosen, chosen);
  const shown = only && left ? rows.filter((row) => row.change) : rows;
  return (
    <section class="compare">
      <h2>
        {left
          ? t("compareTitle", { count: differing(rows), other: say(left.title) })
          : t("compareAlone", { count: chosen.numbers.length })}
      </h2>
      {others.length > 0 && (
        <div class="bar-line">
          <label class="small" for="compare-with">
            {t("compareWith")}
          </label>
          <select
            id="compare-with"
            value={against}
            onChange={(event) => setAgainst(event.currentTarget.value)}
          >
            {others.map((one) => (
              <option key={one.rule_set} value={one.rule_set}>
                {say(one.title)} · {t(`rules_${one.state}`)}
              </option>
            ))}
          </select>
          <label class="small tickline">
            <input
              type="checkbox"
              checked={only}
              onChange={(event) => setOnly(event.currentTarget.checked)}
            />
            {t("compareOnly")}
          </label>
        </div>
      )}
      <div class="scroll-x" tabIndex={0} role="group" aria-label={t("compareTable")}>
        <table class="wrap">
          <thead>
            <tr>
              <th scope="col">{t("thRule")}</th>
              {left && (
                <th scope="col" class="right">
                  {left.rule_set}
                </th>
              )}
              <th scope="col" class="right">
                {chosen.rule_set}
              </th>
              {left && (
                <th scope="col" class="right">
                  {t("thChange")}
                </th>
              )}
              <th scope="col">{t("thSource")}</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={row.key} class={left && row.change ? "changed" : ""}>
                <th scope="row">{row.words}</th>
                {left && <td class={row.source ? "right keep" : "right"}>{row.left}</td>}
                <td class={row.source ? "right keep" : "right"}>{row.right}</td>
                {left && <td class="right keep">{row.change}</td>}
                <td class="small dim">{row.source}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {only && !shown.length && <p class="dim">{t("compareNone")}</p>}
    </section>
  );
}
