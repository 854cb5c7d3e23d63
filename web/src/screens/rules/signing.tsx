// The signatures of a proposal: two persons, neither of them the one who proposed. Before the act it
// says what the signature does.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { asProblem, call, type Problem } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { count, dateAndClock, dayAndClock } from "../../format.ts";
import { AskFirst } from "../../parts/ask-first.tsx";
import { Icon } from "../../parts/icons.tsx";
import { useKeys } from "../../parts/keys.tsx";
import type { Session } from "../login.tsx";
import { refusalWords } from "../loops/words.ts";
import type { Change, RuleSet } from "./rules.tsx";

const needed = 2;

/** Why this reader cannot sign; "" where nothing stands in the way. */
function hindrance(change: Change, set: RuleSet, reader: Session): string {
  if (set.state === "lapsed") return t("signLapsed");
  if (set.state !== "proposed") return "";
  if (!reader.permissions.includes("rules.sign")) return t("signNotYours");
  if (change.proposer === reader.name) return t("signProposer");
  if (change.signatures.some((one) => one.name === reader.name)) return t("signTwice");
  return "";
}

interface Props {
  change: Change;
  set: RuleSet;
  reader: Session;
  onDone(words: string): void;
}

export function Signing({ change, set, reader, onDone }: Props): JSX.Element {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const last = change.signatures.length === needed - 1;
  const why = hindrance(change, set, reader);
  const may = set.state === "proposed" && !why;
  useKeys(may && !asking ? { s: () => setAsking(true) } : {});

  async function sign(): Promise<void> {
    setBusy(true);
    setProblem(null);
    try {
      const signed = await call("POST /api/v1/rules/{id}/sign", { path: { id: change.id } });
      const time = dateAndClock(signed.valid_from);
      setAsking(false);
      onDone(signed.signatures.length < needed ? t("signFirstDone") : t("signLastDone", { time }));
    } catch (reason) {
      setProblem(asProblem(reason));
    }
    setBusy(false);
  }
  return (
    <section class="signing">
      <h2>{t("signTitle", { count: change.signatures.length, needed })}</h2>
      <ol class="hands">
        <li>
          <Icon name="open" />
          {t("signProposed", { name: change.proposer, time: dayAndClock(change.proposed_at) })}
        </li>
        {change.signatures.map((one) => (
          <li key={one.name}>
            <Icon name="done" />
            {t("signSigned", { name: one.name, time: dayAndClock(one.signed_at) })}
          </li>
        ))}
        {set.state === "proposed" && change.signatures.length < needed && (
          <li class="dim">
            <Icon name="unknown" />
            {t("signMissing", { count: needed - change.signatures.length })}
          </li>
        )}
      </ol>
      {problem && (
        <p class="notice bad" role="alert">
          {refusalWords(problem)}
        </p>
      )}
      {asking ? (
        <AskFirst
          title={t(last ? "signAskLast" : "signAskFirst")}
          act={t("signAct")}
          busy={busy}
          onAct={() => void sign()}
          onBack={() => setAsking(false)}
        >
          <p>
            {last
              ? t("signWhatLast", { time: dateAndClock(set.valid_from) })
              : t("signWhatFirst")}
          </p>
          <p>
            {change.effect.changed === null
              ? t("effectSome")
              : t("effectTitle", {
                  count: count(change.effect.changed),
                  persons: count(change.effect.persons),
                })}
          </p>
        </AskFirst>
      ) : may ? (
        <p>
          <button class="button main" type="button" onClick={() => setAsking(true)}>
            {t("signAct")} <kbd>S</kbd>
          </button>
        </p>
      ) : (
        why && (
          <p class="bar-line">
            <button class="button" type="button" disabled>
              {t("signAct")}
            </button>
            <span class="small dim">{why}</span>
          </p>
        )
      )}
    </section>
  );
}
