// A proposal begins from a version that there is: its numbers are changed one by one, each with the
// reason beside it. Proposing changes nobody; the answer says whom it would change.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem, call, type Problem } from "../../api/client.ts";
import { t, type WordKey } from "../../catalogue.ts";
import { cityNowKnown, cityText, cityTime, useCityTimeKnown } from "../../parts/city-clock.ts";
import { say } from "../loops/definitions.ts";
import { refusalWords } from "../loops/words.ts";
import { numberWords, unitWords } from "./compare.tsx";
import type { Change, RuleSet } from "./rules.tsx";

interface Draft {
  name: string;
  version: string;
  from: string;
  titleZh: string;
  titleEn: string;
  basisZh: string;
  basisEn: string;
  numbers: Record<string, string>;
  sources: Record<string, string>;
}

const draftOf = (set: RuleSet, tomorrow: string): Draft => ({
  name: `${set.rule_set}_${tomorrow.slice(0, 10).replaceAll("-", "")}`,
  version: `${tomorrow.slice(0, 10)}.1`,
  from: `${tomorrow.slice(0, 10)}T00:00`,
  titleZh: set.title.zh,
  titleEn: set.title.en,
  basisZh: set.legal_basis.zh,
  basisEn: set.legal_basis.en,
  numbers: Object.fromEntries(set.numbers.map((one) => [one.name, String(one.value)])),
  sources: Object.fromEntries(set.numbers.map((one) => [one.name, one.source])),
});

/** The rule set as the server takes it: what JSON says, YAML says too. */
function textOf(set: RuleSet, draft: Draft): string {
  const value = (name: string): number | string => {
    const text = (draft.numbers[name] ?? "").trim();
    return /^\d+$/.test(text) ? Number(text) : text;
  };
  return JSON.stringify({
    rule_set: draft.name.trim(),
    version: draft.version.trim(),
    title: { zh: draft.titleZh.trim(), en: draft.titleEn.trim() },
    valid_from: cityTime(draft.from),
    valid_to: null,
    area: set.area,
    legal_basis: { zh: draft.basisZh.trim(), en: draft.basisEn.trim() },
    numbers: Object.fromEntries(
      set.numbers.map((one) => [
        one.name,
        { value: value(one.name), source: (draft.sources[one.name] ?? "").trim() },
      ]),
    ),
    override_reason_codes: set.override_reason_codes,
  });
}

// What the loader of rules refuses, and the field that it names it by.
const reasons: [RegExp, WordKey][] = [
  [/yellow ends before its red/, "proposeReason_yellow"],
  [/have begun already/, "proposeReason_begun"],
  [/there is a rule set/, "proposeReason_taken"],
  [/outside|whole number|not a number|not within/, "proposeReason_range"],
  [/missing|empty/, "proposeReason_missing"],
];
const fieldNames: Record<string, WordKey> = {
  rule_set: "proposeName",
  version: "proposeVersion",
  valid_from: "ruleFrom",
};

function refusedWords(problem: Problem, from: RuleSet): string {
  const [first] = problem.errors;
  const reason = first && reasons.find(([form]) => form.test(first.reason));
  if (!first || !reason) return refusalWords(problem);
  const number = from.numbers.some(({ name }) => name === first.field);
  const key = fieldNames[first.field];
  return t("proposeRefused", {
    field: number ? numberWords(first.field) : key ? t(key) : first.field,
    why: t(reason[1]),
  });
}

interface Props {
  from: RuleSet;
  onDone(made: Change): void;
  onBack(): void;
}

function ProposalForm({ from, onDone, onBack }: Props): JSX.Element {
  const [draft, setDraft] = useState<Draft>(() => draftOf(from, cityText(cityNowKnown() + 24 * 3600)));
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.querySelector("input")?.focus();
  }, []);
  const changed = from.numbers.filter(
    (one) => (draft.numbers[one.name] ?? "").trim() !== String(one.value),
  ).length;

  async function propose(): Promise<void> {
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      onDone(await call("POST /api/v1/rules", { body: { yaml: textOf(from, draft) } }));
    } catch (reason) {
      setProblem(asProblem(reason));
      setBusy(false);
    }
  }
  const field = (key: Exclude<keyof Draft, "numbers" | "sources">, words: string, type = "text"): JSX.Element => (
    <div class={`form-field${problem?.fields.includes(key) ? " bad" : ""}`}>
      <label for={`propose-${key}`}>{words}</label>
      <input
        id={`propose-${key}`}
        name={key}
        type={type}
        autocomplete="off"
        value={draft[key]}
        onInput={(event) => setDraft({ ...draft, [key]: event.currentTarget.value })}
      />
    </div>
  );
  return (
    <form
      ref={form}
      class="propose"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void propose();
      }}
    >
      <header>
        <p>
          <button class="button slim" type="button" onClick={onBack}>
            ← {t("proposeBack")} <kbd>Esc</kbd>
          </button>
        </p>
        <h2>{t("proposeTitle", { from: say(from.title) })}</h2>
        <p class="small dim">{t("proposeAbout")}</p>
      </header>
      {problem && (
        <p class="notice bad" role="alert">
          {refusedWords(problem, from)}
        </p>
      )}
      <div class="form-fields">
        {field("name", t("proposeName"))}
        {field("version", t("proposeVersion"))}
        {field("from", t("ruleFrom"), "datetime-local")}
        {field("titleZh", t("proposeTitleZh"))}
        {field("titleEn", t("proposeTitleEn"))}
        {field("basisZh", t("proposeBasisZh"))}
        {field("basisEn", t("proposeBasisEn"))}
      </div>
      <table class="wrap">
        <thead>
          <tr>
            <th scope="col">{t("thRule")}</th>
            <th scope="col" class="right">
              {from.rule_set}
            </th>
            <th scope="col">{t("proposeNew")}</th>
            <th scope="col">{t("proposeReason")}</th>
          </tr>
        </thead>
        <tbody>
          {from.numbers.map((one) => {
            const value = draft.numbers[one.name] ?? "";
            const words = numberWords(one.name);
            return (
              <tr
                key={one.name}
                class={problem?.fields.includes(one.name) ? "bad" : value.trim() !== String(one.value) ? "changed" : ""}
              >
                <th scope="row">{words}</th>
                <td class="right">{unitWords(one.name, one.value)}</td>
                <td>
                  <input
                    class="number"
                    name={one.name}
                    inputMode="numeric"
                    autocomplete="off"
                    aria-label={t("proposeValueOf", { rule: words })}
                    value={value}
                    onInput={(event) =>
                      setDraft({
                        ...draft,
                        numbers: { ...draft.numbers, [one.name]: event.currentTarget.value },
                      })
                    }
                  />
                </td>
                <td>
                  <input
                    class="source"
                    autocomplete="off"
                    aria-label={t("proposeSourceOf", { rule: words })}
                    value={draft.sources[one.name] ?? ""}
                    onInput={(event) =>
                      setDraft({
                        ...draft,
                        sources: { ...draft.sources, [one.name]: event.currentTarget.value },
                      })
                    }
                  />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <div class="bar-line">
        <button class="button main" type="submit" disabled={busy}>
          {busy ? t("proposeBusy") : t("proposeAct", { count: changed })}
        </button>
        <span class="small dim">{t("proposeThen")}</span>
      </div>
    </form>
  );
}

/** The beginning that is offered is tomorrow: of the city. */
export function Propose(props: Props): JSX.Element {
  return useCityTimeKnown() ? <ProposalForm {...props} /> : <p class="dim">{t("loading")}…</p>;
}
