// The rules of the health code: every version with its signatures, two of them side by side, and what
// a proposal would change before anybody signs it.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, type Answer } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { dateAndClock } from "../../format.ts";
import { Icon, type IconName } from "../../parts/icons.tsx";
import { focusOn, KeyHint, useKeys } from "../../parts/keys.tsx";
import { useLoad, Waiting } from "../../parts/load.tsx";
import { go, usePlace } from "../../router.ts";
import type { Session } from "../login.tsx";
import { readAreas, say } from "../loops/definitions.ts";
import { Compare } from "./compare.tsx";
import { Effect } from "./effect.tsx";
import { Propose } from "./propose.tsx";
import { Signing } from "./signing.tsx";

export const ruleReaders = ["status.read", "rules.propose", "rules.sign"] as const;

export type RuleSet = Answer<"GET /api/v1/rules:versions">["items"][number];
export type Change = Answer<"GET /api/v1/rules">["items"][number];

const icons: Record<RuleSet["state"], IconName> = {
  in_force: "done",
  to_come: "soon",
  proposed: "open",
  past: "ended",
  lapsed: "ended",
  not_authentic: "late",
};
const tones: Record<RuleSet["state"], string> = {
  in_force: "green",
  to_come: "yellow",
  proposed: "open",
  past: "",
  lapsed: "",
  not_authentic: "red",
};

export function StateChip({ state }: { state: RuleSet["state"] }): JSX.Element {
  return (
    <span class={`chip ${tones[state]}`}>
      <Icon name={icons[state]} />
      {t(`rules_${state}`)}
    </span>
  );
}

const listId = "rule-list";
const optionId = (index: number): string => `${listId}-${index}`;

interface ListProps {
  sets: readonly RuleSet[];
  changes: readonly Change[];
  chosen: number;
  onChoose(index: number): void;
}

function RuleList({ sets, changes, chosen, onChoose }: ListProps): JSX.Element {
  return (
    <div
      id={listId}
      class="rule-list"
      role="listbox"
      tabIndex={0}
      aria-label={t("rulesVersions")}
      aria-activedescendant={chosen >= 0 ? optionId(chosen) : undefined}
    >
      {sets.map((set, index) => {
        const change = changes.find((one) => one.id === set.change);
        return (
          <div
            key={`${set.rule_set} ${set.change ?? ""}`}
            id={optionId(index)}
            role="option"
            class="rule-row"
            aria-selected={index === chosen}
            onClick={() => onChoose(index)}
          >
            <span class="bar-line">
              <b>{say(set.title)}</b>
              <StateChip state={set.state} />
            </span>
            <span class="small dim">
              {t("rulesFrom", { time: dateAndClock(set.valid_from) })}
              {set.valid_to && ` · ${t("rulesTo", { time: dateAndClock(set.valid_to) })}`}
            </span>
            <span class="small dim">
              <code>{set.rule_set}</code> {set.version} ·{" "}
              {change
                ? t("rulesSigned", { count: change.signatures.length, needed: 2, by: change.proposer })
                : t("rulesBuiltIn")}
            </span>
          </div>
        );
      })}
    </div>
  );
}

interface Props {
  reader: Session;
}

export function RulesScreen({ reader }: Props): JSX.Element {
  const { query } = usePlace();
  const proposing = query.get("propose") !== null;
  const mayPropose = reader.permissions.includes("rules.propose");
  const [said, setSaid] = useState("");
  const sets = useLoad("rule-versions", (signal) => call("GET /api/v1/rules:versions", { signal }));
  const changes = useLoad("rule-changes", (signal) => call("GET /api/v1/rules", { signal }));
  const areas = useLoad("areas", () => readAreas());
  const items = sets.value?.items ?? [];
  const inForce = items.findIndex((one) => one.state === "in_force");
  const named = items.findIndex((one) => one.rule_set === query.get("set"));
  const waiting = items.findIndex((one) => one.state === "proposed" || one.state === "to_come");
  const chosen = named >= 0 ? named : waiting >= 0 ? waiting : inForce;
  useEffect(() => {
    if (sets.value && !proposing) focusOn(listId);
  }, [sets.value !== null, proposing]);

  const choose = (index: number): void => {
    const set = items[index];
    setSaid("");
    if (set) go(`/rules?set=${set.rule_set}`, true);
  };
  const again = (words: string): void => {
    setSaid(words);
    sets.reload();
    changes.reload();
  };
  const propose = (): void => go(`/rules?set=${items[chosen]?.rule_set ?? ""}&propose`);
  const step = (by: number): void =>
    choose(Math.max(0, Math.min(items.length - 1, chosen + by)));
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    ...(mayPropose && !proposing && { n: propose }),
    Escape: () => go(proposing ? `/rules?set=${items[chosen]?.rule_set ?? ""}` : "/"),
  });

  if (!sets.value) return <Waiting loaded={sets} />;
  if (!changes.value) return <Waiting loaded={changes} />;
  const set = items[chosen];
  const change = changes.value.items.find((one) => one.id === set?.change);
  return (
    <div class="rules">
      <div class="rule-side">
        <div class="bar-line">
          <h1>{t("rulesTitle")}</h1>
          {mayPropose && (
            <button class="button slim" type="button" onClick={propose} disabled={proposing}>
              {t("rulesPropose")} <kbd>N</kbd>
            </button>
          )}
        </div>
        <p class="small dim">{t("rulesAbout")}</p>
        <RuleList sets={items} changes={changes.value.items} chosen={chosen} onChoose={choose} />
        <p>
          <KeyHint keys={["J", "K"]}>{t("keysMove")}</KeyHint>
        </p>
      </div>
      <div class="rule-detail">
        {said && (
          <p class="notice good" role="status">
            <Icon name="done" />
            {said}
          </p>
        )}
        {proposing && set ? (
          <Propose
            from={set}
            onDone={(made) => {
              again(t("proposeDone", { id: made.id }));
              go(`/rules?set=${made.rule_set}`);
            }}
            onBack={() => go(`/rules?set=${set.rule_set}`)}
          />
        ) : (
          set && (
            <article key={set.rule_set} class="rule-page">
              <header>
                <h2>{say(set.title)}</h2>
                <StateChip state={set.state} />
                <p class="small">
                  {t("rulesBasis", { words: say(set.legal_basis) })} ·{" "}
                  {t("rulesArea", { area: set.area })}
                </p>
              </header>
              {change && (
                <>
                  <Signing change={change} set={set} reader={reader} onDone={again} />
                  <Effect effect={change.effect} areas={areas.value} />
                </>
              )}
              <Compare sets={items} chosen={set} inForce={items[inForce] ?? null} />
            </article>
          )
        )}
      </div>
    </div>
  );
}
