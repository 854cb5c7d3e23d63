// Appeals: the holder's own words against a status, the clock that runs for the answer, and the
// decision in words.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { asProblem, call, type Answer } from "../api/client.ts";
import { t, type WordKey } from "../catalogue.ts";
import { dayAndClock, duration, secondsOf } from "../format.ts";
import { problemWords, useLoad } from "../parts/load.tsx";
import { armed } from "./entrance.tsx";
import { Alert } from "./frame.tsx";

type Appeal = Answer<"GET /api/v1/me/appeals">["items"][number];

const states: Record<Appeal["state"], WordKey> = {
  open: "meAppealOpen",
  granted: "meAppealGranted",
  rejected: "meAppealRejected",
};

function clockWords(appeal: Appeal, now: number): string {
  const due = secondsOf(appeal.due_at);
  return appeal.overdue
    ? t("meAppealOverdue", { time: dayAndClock(appeal.due_at), late: duration(now - due) })
    : t("meAppealDue", { time: dayAndClock(appeal.due_at), left: duration(due - now) });
}

function followWords(appeal: Appeal): string | null {
  if (appeal.state !== "granted") return null;
  return t(appeal.followed_by ? "meAppealFollowed" : "meAppealFollows");
}

function Row({ appeal, now }: { appeal: Appeal; now: number }): JSX.Element {
  const follow = followWords(appeal);
  return (
    <li class={appeal.overdue ? "late" : ""} data-state={appeal.state}>
      <b>{t(states[appeal.state])}</b>{" "}
      <span class="dim">{t("meAppealFiled", { time: dayAndClock(appeal.filed_at) })}</span>
      <br />“{appeal.words}”<br />
      {appeal.state === "open" ? (
        <span class="appeal-clock">{clockWords(appeal, now)}</span>
      ) : (
        <span>
          {t("meAppealAnswer", {
            time: dayAndClock(appeal.decided_at),
            words: appeal.decision_words ?? "",
          })}
        </span>
      )}
      {follow && <span class="dim"> {follow}</span>}
    </li>
  );
}

function Filing({ member, onFiled }: { member: number | null; onFiled(): void }): JSX.Element {
  const [words, setWords] = useState("");
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  async function file(event: Event): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setWrong("");
    try {
      await armed();
      await call("POST /api/v1/me/appeals", {
        body: member === null ? { words } : { words, member },
      });
      setWords("");
      onFiled();
    } catch (reason) {
      const problem = asProblem(reason);
      setWrong(problem.status === 409 ? t("appealEnough") : problemWords(problem));
    }
    setBusy(false);
  }
  return (
    <form class="plain-form" onSubmit={(event) => void file(event)}>
      <label class="field">
        {t("appealField")}
        <textarea
          name="appeal"
          required
          maxLength={600}
          rows={4}
          value={words}
          onInput={(event) => setWords(event.currentTarget.value)}
        />
      </label>
      <p class="quiet">{t("appealMeans")}</p>
      <Alert words={wrong} />
      <button class="button" type="submit" disabled={busy}>
        {t("appealAct")}
      </button>
    </form>
  );
}

/** `now`: seconds, the city's. */
export function Appeals({ member, now }: { member: number | null; now: number }): JSX.Element {
  const list = useLoad("appeals", (signal) => call("GET /api/v1/me/appeals", { signal }));
  const items = list.value?.items ?? [];
  const open = items.filter((one) => one.state === "open").length;
  return (
    <details class="phone-more appeals">
      <summary>
        {t("appealTitle")}
        {open > 0 && <span class="dim">{t("appealsOpen", { n: open })}</span>}
      </summary>
      {list.problem && <Alert words={problemWords(list.problem)} />}
      <ul class="reasons">
        {items.map((appeal) => (
          <Row key={appeal.id} appeal={appeal} now={now} />
        ))}
      </ul>
      <Filing member={member} onFiled={list.reload} />
    </details>
  );
}
