// How long each class of records is kept, what the last runs destroyed, and what is held back and why.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call, type Answer } from "../../api/client.ts";
import { t, wordFor } from "../../catalogue.ts";
import { count, dayAndClock, dayLong, secondsOf } from "../../format.ts";
import { useCityNow } from "../../parts/city-clock.ts";
import { useLoad, Waiting } from "../../parts/load.tsx";
import { settings } from "../../settings.ts";
import { span } from "../loops/words.ts";

type Overview = Answer<"GET /api/v1/retention">;
type Class = Overview["classes"][number];
type Hold = Answer<"GET /api/v1/holds">["items"][number];

const classWords = (one: Class): string => (settings.language === "zh" ? one.title_zh : one.title_en);

function Classes({ classes }: { classes: readonly Class[] }): JSX.Element {
  return (
    <section>
      <h2>{t("classesTitle", { count: classes.length })}</h2>
      <div class="scroll-x" tabIndex={0} role="group" aria-label={t("classesTable")}>
        <table class="wrap">
          <thead>
            <tr>
              <th scope="col">{t("thClass")}</th>
              <th scope="col" class="right">
                {t("thKeptDays")}
              </th>
              <th scope="col">{t("thKeeper")}</th>
              <th scope="col">{t("thAtSunset")}</th>
              <th scope="col">{t("thBasis")}</th>
            </tr>
          </thead>
          <tbody>
            {classes.map((one) => (
              <tr key={one.class}>
                <th scope="row">
                  {classWords(one)} <code class="quiet">{one.class}</code>
                </th>
                <td class="right keep">{one.days === null ? t("daysEnd") : t("daysOf", { count: one.days })}</td>
                <td>{t(`keeper_${one.kept_by}`)}</td>
                <td>{t(`atSunset_${one.at_sunset}`)}</td>
                <td class="small dim">{one.basis}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Run({ no, classes }: { no: number; classes: readonly Class[] }): JSX.Element {
  const run = useLoad(`run-${no}`, (signal) =>
    call("GET /api/v1/retention/runs/{no}", { path: { no }, signal }),
  );
  if (!run.value) return <Waiting loaded={run} />;
  const name = (one: string): string => {
    const found = classes.find(({ class: code }) => code === one);
    return found ? classWords(found) : one;
  };
  const done = run.value.acts.filter(({ rows, key, state }) => rows > 0 || key || state === "held");
  return (
    <section aria-live="polite">
      <h3>{t("runTitle", { no, time: dayAndClock(run.value.began_at) })}</h3>
      {done.length ? (
        <table class="wrap">
          <thead>
            <tr>
              <th scope="col">{t("thClass")}</th>
              <th scope="col">{t("thState")}</th>
              <th scope="col" class="right">
                {t("thRows")}
              </th>
              <th scope="col">{t("thNotes")}</th>
            </tr>
          </thead>
          <tbody>
            {done.map((act, i) => (
              <tr key={i}>
                <th scope="row">
                  {name(act.class)} {act.key && <code class="quiet">{act.key}</code>}
                </th>
                <td>{t(`act_${act.state}`)}</td>
                <td class="right">{count(act.rows)}</td>
                <td class="small">{act.words ?? ""}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : (
        <p class="dim">{t("runNothing")}</p>
      )}
    </section>
  );
}

function Runs({ classes }: { classes: readonly Class[] }): JSX.Element {
  const [chosen, setChosen] = useState(0);
  const runs = useLoad("runs", (signal) =>
    call("GET /api/v1/retention/runs", { query: { limit: 30 }, signal }),
  );
  if (!runs.value) return <Waiting loaded={runs} />;
  const rows = runs.value.items;
  return (
    <section>
      <h2>{t(rows.length ? "runsTitle" : "runsNone", { count: rows.length })}</h2>
      {rows.length > 0 && (
        <ul class="runs">
          {rows.map((row) => (
            <li key={row.run}>
              <button
                class="button slim"
                type="button"
                aria-pressed={row.run === chosen}
                onClick={() => setChosen(row.run === chosen ? 0 : row.run)}
              >
                {t("runOf", { no: row.run, day: dayLong(row.city_day) })}
              </button>
              <span class="small dim">
                {wordFor("runBy", row.by) ?? row.by} ·{" "}
                {row.ended_at ? t("runEnded", { time: dayAndClock(row.ended_at) }) : t("runCut")}
              </span>
            </li>
          ))}
        </ul>
      )}
      {chosen > 0 && <Run no={chosen} classes={classes} />}
    </section>
  );
}

function Holds(): JSX.Element {
  const holds = useLoad("holds", (signal) => call("GET /api/v1/holds", { signal }));
  if (!holds.value) return <Waiting loaded={holds} />;
  const rows: readonly Hold[] = holds.value.items;
  const active = rows.filter(({ state }) => state === "active").length;
  return (
    <section>
      <h2>{t(active ? "holdsTitle" : "holdsNone", { count: active })}</h2>
      <p class="small dim">{t("holdsAct")}</p>
      {rows.length > 0 && (
        <div class="scroll-x" tabIndex={0} role="group" aria-label={t("holdsTable")}>
          <table class="wrap">
            <thead>
              <tr>
                <th scope="col">{t("thHold")}</th>
                <th scope="col">{t("thClass")}</th>
                <th scope="col">{t("thReason")}</th>
                <th scope="col">{t("thBy")}</th>
                <th scope="col">{t("thUntil")}</th>
                <th scope="col">{t("thState")}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.hold}>
                  <th scope="row">{row.hold}</th>
                  <td>
                    {row.class} {row.from && `${row.from} – ${row.to ?? ""}`}
                  </td>
                  <td>{row.reason}</td>
                  <td>{row.by}</td>
                  <td class="keep">{dayAndClock(row.until)}</td>
                  <td>{t(`hold_${row.state}`)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

export function RetentionTab(): JSX.Element {
  const now = useCityNow();
  const overview = useLoad("retention", (signal) => call("GET /api/v1/retention", { signal }));
  if (!overview.value || now === null) return <Waiting loaded={overview} />;
  const { classes, next_run_at } = overview.value;
  const left = secondsOf(next_run_at) - now;
  return (
    <div class="tab">
      <h1>
        {left > 0
          ? t("retentionNext", { time: dayAndClock(next_run_at), span: span(left) })
          : t("retentionDue")}
      </h1>
      <p class="small dim">{t("retentionAbout")}</p>
      <Runs classes={classes} />
      <Holds />
      <Classes classes={classes} />
    </div>
  );
}
