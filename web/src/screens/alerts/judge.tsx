// Saying what an alert is: one of five, without a default, with a reason. What will happen to the loop
// stands there before it is confirmed; a colleague who was faster is told with name and time.
import type { JSX } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { asProblem, call, type Answer, type Problem } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { dayAndClock } from "../../format.ts";
import { cityNow, cityOffset } from "../../parts/city-clock.ts";
import { Icon } from "../../parts/icons.tsx";
import { keyIsTaken } from "../../parts/virtual-list.tsx";
import { problemWords } from "../../parts/load.tsx";
import { say, stageOf, stageWords, type Scene } from "../loops/definitions.ts";
import { verdicts, verdictWords, type Verdict, type Whole } from "./words.ts";

type Done = Answer<"POST /api/v1/alerts/{id}/disposition">;

/** Where the scene takes the loop for each of them. */
const stages: Record<Verdict, string> = {
  true_signal: "on_site",
  known: "dismissed",
  data_fault: "dismissed",
  watch: "watching",
  false_alarm: "dismissed",
};

/** As <input type=datetime-local> wants it, of the city's clock: tomorrow at 9; "" until that clock is
 *  known. */
function tomorrow(): string {
  const now = cityNow();
  if (now === null) return "";
  const offset = /([+-])(\d\d):(\d\d)/.exec(cityOffset());
  const ahead = offset ? (offset[1] === "-" ? -1 : 1) * (Number(offset[2]) * 60 + Number(offset[3])) : 0;
  const day = new Date((now + ahead * 60 + 86_400) * 1000).toISOString().slice(0, 10);
  return `${day}T09:00`;
}

function NextWords({ alert, verdict, scene }: { alert: Whole; verdict: Verdict; scene: Scene | null }): JSX.Element {
  const to = stages[verdict];
  const stage = scene ? stageOf(scene, to) : undefined;
  if (!alert.loop) return <p class="what-next small">{t("judgeNextNone")}</p>;
  const values = { id: alert.loop, stage: stageWords(scene, to) };
  return (
    <p class="what-next small">
      {stage?.owner
        ? t("judgeNext", { ...values, owner: say(stage.owner) })
        : t("judgeNextEnd", values)}
    </p>
  );
}

function doneWords(done: Done, scene: Scene | null): string {
  const { loop } = done;
  const what = !loop
    ? t("judgeNextNone")
    : loop.moved
      ? t("judgeMoved", { id: loop.id, stage: stageWords(scene, loop.stage ?? "") })
      : t("judgeStays", { id: loop.id, why: loop.why ?? "" });
  return t("judgeDone", { verdict: verdictWords(done.verdict), loop: what });
}

interface Props {
  alert: Whole;
  /** Other alerts of its cause. */
  others: readonly number[];
  scene: Scene | null;
  onDone(words: string): void;
  /** Somebody was faster. */
  onConflict(words: string): void;
}

async function conflictWords(alert: Whole): Promise<string> {
  const now = await call("GET /api/v1/alerts/{id}", { path: { id: alert.id } }).catch(() => null);
  const known = now?.disposition;
  return known
    ? t("judgeConflict", {
        verdict: verdictWords(known.verdict),
        by: known.by,
        time: dayAndClock(known.at),
      })
    : t("judgeConflictOther");
}

function wordsOf(problem: Problem): string {
  return problem.fields.includes("until") ? t("judgeBadUntil") : problemWords(problem);
}

export function JudgeForm({ alert, others, scene, onDone, onConflict }: Props): JSX.Element {
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const [words, setWords] = useState("");
  const [until, setUntil] = useState("");
  const [all, setAll] = useState(true);
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState("");
  const reason = useRef<HTMLTextAreaElement>(null);
  const missing = !verdict
    ? t("judgeChoose")
    : verdict === "watch" && !until
      ? t("judgeNoUntil")
      : !words.trim()
        ? t("judgeNoReason")
        : "";

  const choose = (one: Verdict, byKey: boolean): void => {
    setVerdict(one);
    setRefusal("");
    if (one === "watch" && !until) setUntil(tomorrow());
    if (byKey) requestAnimationFrame(() => reason.current?.focus());
  };
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const one = verdicts[Number(event.key) - 1];
      if (!one || keyIsTaken(event)) return;
      event.preventDefault();
      choose(one, true);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });

  async function send(): Promise<void> {
    if (busy || missing || !verdict) return;
    setBusy(true);
    try {
      const done = await call("POST /api/v1/alerts/{id}/disposition", {
        path: { id: alert.id },
        body: {
          verdict,
          words: words.trim(),
          ...(verdict === "watch" && { until: `${until}:00${cityOffset()}` }),
          ...(all && others.length > 0 && { with: [...others] }),
        },
      });
      onDone(doneWords(done, scene));
    } catch (thrown) {
      const problem = asProblem(thrown);
      setBusy(false);
      if (problem.status === 409) onConflict(await conflictWords(alert));
      else setRefusal(wordsOf(problem));
    }
  }

  return (
    <form
      class="judge"
      aria-labelledby="judge-title"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
      onKeyDown={(event) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        void send();
      }}
    >
      <h2 id="judge-title">
        {t("judgeTitle")} <span class="quiet">{t("judgeHint")}</span>
      </h2>
      <fieldset class="verdicts">
        <legend class="sr">{t("judgeTitle")}</legend>
        {verdicts.map((one, i) => (
          <label key={one} class={one === verdict ? "on" : ""} data-verdict={one}>
            <input
              type="radio"
              name="verdict"
              value={one}
              checked={one === verdict}
              onChange={() => choose(one, false)}
            />
            <span>
              <b>{verdictWords(one)}</b>
              <span class="small dim">{t(`about_${one}`)}</span>
            </span>
            <kbd>{i + 1}</kbd>
          </label>
        ))}
      </fieldset>
      {verdict && <NextWords alert={alert} verdict={verdict} scene={scene} />}
      {verdict === "watch" && (
        <div class="form-field">
          <label for="judge-until">{t("judgeUntil")}</label>
          <input
            id="judge-until"
            type="datetime-local"
            value={until}
            onInput={(event) => setUntil(event.currentTarget.value)}
          />
        </div>
      )}
      <div class="form-field">
        <label for="judge-words">
          {t("judgeReason")} <span class="quiet">{t("judgeReasonHint")}</span>
        </label>
        <textarea
          id="judge-words"
          ref={reason}
          rows={3}
          maxLength={600}
          value={words}
          onInput={(event) => setWords(event.currentTarget.value)}
        />
      </div>
      {others.length > 0 && (
        <label class="all small">
          <input type="checkbox" checked={all} onChange={() => setAll(!all)} />
          {t("judgeAll", { count: others.length })}
        </label>
      )}
      {refusal && (
        <p class="notice bad" role="alert">
          {refusal}
        </p>
      )}
      <div class="bar-line">
        <button class="button main" type="submit" disabled={Boolean(missing) || busy}>
          {verdict ? t("judgeConfirm", { verdict: verdictWords(verdict) }) : t("judgeTitle")}{" "}
          <kbd>Ctrl Enter</kbd>
        </button>
        {missing && (
          <span class="missing-words small" role="status">
            <Icon name="late" /> {missing}
          </span>
        )}
      </div>
    </form>
  );
}
