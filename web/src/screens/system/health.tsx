// Whether what is stored is whole: the lines of `doctor`, as the last look found them, and a new look.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { asProblem, call, type Problem } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { dayAndClock } from "../../format.ts";
import { problemWords, useLoad, Waiting } from "../../parts/load.tsx";
import { isAlive, JobHead, JobProgress, Lines, useJob, worstOf, type Job } from "./job.tsx";

const isHealth = (job: Job): boolean => job.kind === "health" || job.kind === "health_deep";

function titleOf(job: Job | null): string {
  if (!job) return t("healthNever");
  if (isAlive(job)) return t("healthRunning");
  const time = dayAndClock(job.ended_at);
  if (job.state !== "done") return t("healthCut", { time });
  const worst = worstOf(job);
  const bad = job.lines.filter(({ level }) => level === worst).length;
  if (worst === "fail") return t("healthFails", { count: bad, time });
  return worst === "warn" ? t("healthWarns", { count: bad, time }) : t("healthGood", { count: job.lines.length, time });
}

export function HealthTab(): JSX.Element {
  const jobs = useLoad("health-jobs", (signal) =>
    call("GET /api/v1/jobs", { query: { limit: 100 }, signal }),
  );
  const [begun, setBegun] = useState<Job | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const job = useJob(begun ?? jobs.value?.items.find(isHealth) ?? null);
  async function check(deep: boolean): Promise<void> {
    setProblem(null);
    try {
      setBegun(await call("POST /api/v1/health:check", { body: { deep } }));
    } catch (reason) {
      setProblem(asProblem(reason));
    }
  }
  if (!jobs.value) return <Waiting loaded={jobs} />;
  const alive = job !== null && isAlive(job);
  return (
    <div class="tab">
      <h1>{titleOf(job)}</h1>
      {problem && (
        <p class="notice bad" role="alert">
          {problemWords(problem)}
        </p>
      )}
      <div class="bar-line">
        <button class="button main" type="button" disabled={alive} onClick={() => void check(false)}>
          {t("healthCheck")}
        </button>
        <button class="button" type="button" disabled={alive} onClick={() => void check(true)}>
          {t("healthDeep")}
        </button>
        <span class="small dim">{t("healthAbout")}</span>
      </div>
      {job && (
        <section>
          <JobHead job={job} />
          {alive && <JobProgress job={job} />}
          <Lines lines={job.lines} />
        </section>
      )}
    </div>
  );
}
