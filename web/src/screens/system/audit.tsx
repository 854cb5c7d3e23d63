// Audit: the head that can be kept outside, the walk of the whole chain as a job, what deserves a
// question, and who looked at whom.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { asProblem, call, Problem, type Answer } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { count, dayAndClock } from "../../format.ts";
import { problemWords, useLoad, Waiting } from "../../parts/load.tsx";
import type { Session } from "../login.tsx";
import { say } from "../loops/definitions.ts";
import { AuditSearch } from "./audit-search.tsx";
import { isAlive, JobHead, JobProgress, Lines, useJob, worstOf, type Job } from "./job.tsx";

type Head = Answer<"GET /api/v1/public/audit-head">;

/** A young city has signed none yet. */
async function readHead(signal: AbortSignal): Promise<{ head: Head | null }> {
  try {
    return { head: await call("GET /api/v1/public/audit-head", { signal }) };
  } catch (reason) {
    if (reason instanceof Problem && reason.status === 404) return { head: null };
    throw reason;
  }
}

function HeadFacts(): JSX.Element {
  const loaded = useLoad("audit-head", readHead);
  if (!loaded.value) return <Waiting loaded={loaded} />;
  const { head } = loaded.value;
  return (
    <section>
      <h2>{head ? t("headTitle", { no: count(head.no) }) : t("headNone")}</h2>
      <p class="small dim">{t("headAbout")}</p>
      {head && (
        <dl class="known head-facts">
          <div>
            <dt>{t("headSignedAt")}</dt>
            <dd>{dayAndClock(head.real_at)}</dd>
          </div>
          <div>
            <dt>{t("headHash")}</dt>
            <dd>
              <code>{head.hash}</code>
            </dd>
          </div>
          <div>
            <dt>{t("headSignature")}</dt>
            <dd>
              <code>{head.signature}</code>
            </dd>
          </div>
          <div>
            <dt>{t("headKey")}</dt>
            <dd>
              <code>{head.public_key}</code>
            </dd>
          </div>
        </dl>
      )}
    </section>
  );
}

function titleOf(job: Job | null): string {
  if (!job) return t("verifyNever");
  if (isAlive(job)) return t("verifyRunning");
  const time = dayAndClock(job.ended_at);
  if (job.state !== "done") return t("verifyCut", { time });
  return worstOf(job) === "fail"
    ? t("verifyBroken", { time })
    : t("verifyWhole", { count: count(job.total), time });
}

function Verify(): JSX.Element {
  const jobs = useLoad("audit-jobs", (signal) =>
    call("GET /api/v1/jobs", { query: { limit: 100 }, signal }),
  );
  const [begun, setBegun] = useState<Job | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const job = useJob(begun ?? jobs.value?.items.find(({ kind }) => kind === "audit") ?? null);
  async function verify(): Promise<void> {
    setProblem(null);
    try {
      setBegun(await call("POST /api/v1/audit:verify"));
    } catch (reason) {
      setProblem(asProblem(reason));
    }
  }
  if (!jobs.value) return <Waiting loaded={jobs} />;
  const alive = job !== null && isAlive(job);
  return (
    <section class="verify">
      <h1>{titleOf(job)}</h1>
      {problem && (
        <p class="notice bad" role="alert">
          {problemWords(problem)}
        </p>
      )}
      <div class="bar-line">
        <button class="button main" type="button" disabled={alive} onClick={() => void verify()}>
          {t("verifyAct")}
        </button>
        <span class="small dim">{t("verifyAbout")}</span>
      </div>
      {job && (
        <>
          <JobHead job={job} />
          {alive && <JobProgress job={job} />}
          <Lines lines={job.lines} />
        </>
      )}
    </section>
  );
}

function Oddities({ onUser }: { onUser(name: string): void }): JSX.Element {
  const oddities = useLoad("oddities", (signal) => call("GET /api/v1/audit/oddities", { signal }));
  if (!oddities.value) return <Waiting loaded={oddities} />;
  const rows = oddities.value.items;
  return (
    <section>
      <h2>{t(rows.length ? "odditiesTitle" : "odditiesNone", { count: rows.length })}</h2>
      <p class="small dim">{t("odditiesAbout")}</p>
      {rows.length > 0 && (
        <div class="scroll-x" tabIndex={0} role="group" aria-label={t("odditiesTable")}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t("thOddity")}</th>
                <th scope="col">{t("thUser")}</th>
                <th scope="col" class="right">
                  {t("thTimes")}
                </th>
                <th scope="col" class="right">
                  {t("thScore")}
                </th>
                <th scope="col">{t("thLast")}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={`${row.kind} ${row.user} ${row.last_audit_no}`}>
                  <th scope="row">
                    {say(row.words)}
                    {row.list_of !== null && (
                      <span class="quiet"> {t("oddityListOf", { count: row.list_of })}</span>
                    )}
                  </th>
                  <td>
                    <button class="button slim" type="button" onClick={() => onUser(row.user)}>
                      {row.user}
                    </button>
                  </td>
                  <td class="right">{count(row.count)}</td>
                  <td class="right">{row.score.toFixed(1)}</td>
                  <td class="keep">
                    {dayAndClock(row.last_at)} · {t("recordNo", { no: row.last_audit_no })}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

export function AuditTab({ reader }: { reader: Session }): JSX.Element {
  const [user, setUser] = useState("");
  return (
    <div class="tab">
      <Verify />
      <Oddities onUser={setUser} />
      <AuditSearch reader={reader} user={user} />
      <HeadFacts />
    </div>
  );
}
