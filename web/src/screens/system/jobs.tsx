// Long work: who began it, how far it is, what it found.
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { call } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { useLoad, Waiting } from "../../parts/load.tsx";
import { isAlive, JobHead, JobProgress, Lines, useJob, worstOf, type Job } from "./job.tsx";

const newest = 30;

function OneJob({ given, onEnd }: { given: Job; onEnd(): void }): JSX.Element {
  const job = useJob(given) ?? given;
  const alive = isAlive(job);
  const began = isAlive(given);
  useEffect(() => {
    if (began && !alive) onEnd();
  }, [alive]);
  const worst = worstOf(job);
  return (
    <li class="job">
      <h3>
        {t(`job_${job.kind}`)}
        {!alive && worst && <span class={`verdict ${worst}`}> · {t(`level_${worst}`)}</span>}
      </h3>
      <JobHead job={job} />
      {alive && <JobProgress job={job} />}
      {job.lines.length > 0 && (
        <details open={alive || worst === "fail"}>
          <summary>{t("jobLines", { count: job.lines.length })}</summary>
          <Lines lines={job.lines} />
        </details>
      )}
    </li>
  );
}

export function JobsTab(): JSX.Element {
  const jobs = useLoad("jobs", (signal) =>
    call("GET /api/v1/jobs", { query: { limit: newest }, signal }),
  );
  if (!jobs.value) return <Waiting loaded={jobs} />;
  return (
    <div class="tab">
      <div class="bar-line">
        <h1>{t("jobsTitle")}</h1>
        <button class="button slim" type="button" onClick={jobs.reload}>
          {t("refresh")}
        </button>
      </div>
      <p class="small dim">{t("jobsAbout")}</p>
      {jobs.value.items.length ? (
        <ol class="jobs">
          {jobs.value.items.map((job) => (
            <OneJob key={job.no} given={job} onEnd={jobs.reload} />
          ))}
        </ol>
      ) : (
        <p class="empty">{t("jobsNone")}</p>
      )}
    </div>
  );
}
