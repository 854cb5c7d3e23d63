// A job: how far it is, and its lines. It is asked for again while it goes on, and never waited for.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, type Answer } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { count, dayAndClock } from "../../format.ts";
import { Icon, type IconName } from "../../parts/icons.tsx";
import { checkWords, lineWords } from "./check-words.ts";

export type Job = Answer<"GET /api/v1/jobs/{no}">;
type Level = Job["lines"][number]["level"];

const askMilliseconds = 700;
export const isAlive = (job: Job): boolean => job.state === "waiting" || job.state === "running";

/** The job as it goes on; null stays null. */
export function useJob(given: Job | null): Job | null {
  const [job, setJob] = useState(given);
  useEffect(() => setJob(given), [given?.no, given?.state]);
  useEffect(() => {
    if (!job || !isAlive(job)) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      call("GET /api/v1/jobs/{no}", { path: { no: job.no }, signal: abort.signal }).then(
        setJob,
        () => setJob({ ...job }), // not reached: asked again
      );
    }, askMilliseconds);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [job]);
  return job;
}

const icons: Record<Level, IconName> = { ok: "done", warn: "soon", fail: "late" };

export function Lines({ lines }: { lines: Job["lines"] }): JSX.Element {
  return (
    <ul class="lines">
      {lines.map((line, i) => (
        <li key={i} class={line.level}>
          <Icon name={icons[line.level]} />
          <span class="keep">{t(`level_${line.level}`)}</span>
          <b>{checkWords(line.check)}</b>
          <span>{lineWords(line.check, line.words)}</span>
          {line.level === "fail" && <span class="advice">{t("failAdvice")}</span>}
        </li>
      ))}
    </ul>
  );
}

/** The worst of its lines; null where it said none. */
export function worstOf(job: Job): Level | null {
  const levels = job.lines.map(({ level }) => level);
  return levels.includes("fail") ? "fail" : levels.includes("warn") ? "warn" : levels.length ? "ok" : null;
}

export function JobProgress({ job }: { job: Job }): JSX.Element {
  const share = job.total > 0 ? Math.min(1, job.done / job.total) : 0;
  const records = job.kind === "audit";
  return (
    <div class="progress">
      <progress
        max={1}
        value={job.state === "waiting" ? undefined : share}
        aria-label={t(`job_${job.kind}`)}
      />
      <span class="small" role="status">
        {job.state === "waiting"
          ? t("jobWaiting")
          : t(records ? "jobRecords" : "jobChecks", {
              done: count(job.done),
              total: count(job.total),
              doing: checkWords(job.doing),
            })}
      </span>
    </div>
  );
}

export function JobHead({ job }: { job: Job }): JSX.Element {
  return (
    <p class="small dim">
      {t("jobHead", { no: job.no, name: job.by, time: dayAndClock(job.began_at) })}
      {job.ended_at && ` · ${t("jobEnded", { time: dayAndClock(job.ended_at) })}`}
      {` · ${t(`jobState_${job.state}`)}`}
    </p>
  );
}
