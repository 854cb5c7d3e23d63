// One venue: its use by day, its code, what is suspected of it, and the loops about it.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { asProblem, call, type Answer, type Problem } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { areaName, clock, count, dayAndClock, dayLong } from "../../format.ts";
import { useCityNow } from "../../parts/city-clock.ts";
import { DayChart } from "../../parts/day-chart.tsx";
import { Icon } from "../../parts/icons.tsx";
import { focusOn, useKeys } from "../../parts/keys.tsx";
import { problemWords, useLoad, Waiting } from "../../parts/load.tsx";
import { follow } from "../../router.ts";
import { say } from "../loops/definitions.ts";
import { standing } from "../loops/words.ts";
import { categoryWords, chartTitle, lastWords, standingOf, type Venue } from "./figures.ts";

export interface Rights {
  manage: boolean;
  loops: boolean;
}

interface Props {
  no: number;
  rights: Rights;
  onBack(): void;
  /** Something changed that lists and coverage show too. */
  onChange(): void;
}

const backId = "venue-back";

function Facts({ venue }: { venue: Venue }): JSX.Element {
  const { unit, latitude, longitude } = venue;
  return (
    <dl class="facts">
      <div>
        <dt>{t("thCategory")}</dt>
        <dd>{categoryWords(venue.category)}</dd>
      </div>
      <div>
        <dt>{t("venueArea")}</dt>
        <dd>{areaName(venue.area)}</dd>
      </div>
      <div>
        <dt>{t("venueUnit")}</dt>
        <dd>{unit ? unit.name || t("subjectNumber", { kind: t("subject_unit"), no: unit.no }) : t("venueNoUnit")}</dd>
      </div>
      <div>
        <dt>{t("venuePlace")}</dt>
        <dd>
          {latitude === null || longitude === null
            ? t("unknown")
            : `${latitude.toFixed(4)}°N ${longitude.toFixed(4)}°E`}
        </dd>
      </div>
      <div>
        <dt>{t("venueLevel")}</dt>
        <dd>{t(`level_${venue.check_level as 0 | 1 | 2 | 3}`)}</dd>
      </div>
      <div>
        <dt>{t("venueLast")}</dt>
        <dd>{lastWords(venue.last_scan_at, venue.known_from)}</dd>
      </div>
    </dl>
  );
}

type Suspicion = Venue["suspicions"][number];

function SuspicionRow({ suspicion }: { suspicion: Suspicion }): JSX.Element {
  const why = t(`why_${suspicion.reason}`, { count: count(suspicion.count) });
  return (
    <li data-current={suspicion.current}>
      <span class={`shape ${suspicion.current ? "late" : "ended"}`}>
        <Icon name={suspicion.current ? "late" : "ended"} />
      </span>
      <span>
        <b>{t("suspicionWhen", { day: dayLong(suspicion.window_start), time: clock(suspicion.window_start) })}</b>{" "}
        {why}
        <span class="small dim">
          {" "}
          {t(suspicion.current ? "suspicionCurrent" : "suspicionEnded")} ·{" "}
          {t("suspicionRaised", { time: dayAndClock(suspicion.raised_at) })}
        </span>
      </span>
    </li>
  );
}

function Suspicions({ venue }: { venue: Venue }): JSX.Element {
  return (
    <section aria-labelledby="suspicions-title">
      <h2 id="suspicions-title">{t("suspicionsTitle")}</h2>
      {venue.suspicions.length ? (
        <ul class="suspicions">
          {venue.suspicions.map((suspicion) => (
            <SuspicionRow key={suspicion.id} suspicion={suspicion} />
          ))}
        </ul>
      ) : (
        <p class="dim">{t("suspicionsNone")}</p>
      )}
      <p class="quiet">{t("suspicionsNote")}</p>
    </section>
  );
}

function Loops({ no }: { no: number }): JSX.Element {
  const now = useCityNow();
  const loops = useLoad(`loops of ${no}`, (signal) =>
    call("GET /api/v1/loops", { query: { venue: no, limit: 50 }, signal }),
  );
  return (
    <section aria-labelledby="venue-loops-title">
      <h2 id="venue-loops-title">{t("venueLoops")}</h2>
      {loops.problem && <p class="late">{problemWords(loops.problem)}</p>}
      {!loops.value && !loops.problem && <p class="dim">{t("loading")}…</p>}
      {loops.value && !loops.value.items.length && <p class="dim">{t("venueLoopsNone")}</p>}
      <ul class="links">
        {(loops.value?.items ?? []).map((row) => {
          const { tone, icon, words } = standing(row, now);
          return (
            <li key={row.id}>
              <span class={`shape ${tone}`}>
                <Icon name={icon} />
              </span>
              <a href={`/loops/${row.id}`} onClick={follow}>
                {say(row.title)}
              </a>
              <span>{say(row.stage_title)}</span>
              <span class={tone}>{words}</span>
            </li>
          );
        })}
      </ul>
      {loops.value?.next && <p class="quiet">{t("venueLoopsMore")}</p>}
    </section>
  );
}

type Code = Answer<"GET /api/v1/venues/{no}/code">;

/** Ending a code cannot be taken back: the word is typed before it is done. */
function Revoke({ venue, onDone }: { venue: Venue; onDone(code: Code | null): void }): JSX.Element {
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const word = t("revokeWord", { no: venue.no });
  useEffect(() => focusOn("revoke-word"), []);
  async function revoke(): Promise<void> {
    if (typed.trim() !== word || busy) return;
    setBusy(true);
    try {
      onDone(await call("POST /api/v1/venues/{no}/revoke", { path: { no: venue.no } }));
    } catch (reason) {
      setProblem(asProblem(reason));
      setBusy(false);
    }
  }
  return (
    <form
      class="step-form revoke"
      onSubmit={(event) => {
        event.preventDefault();
        void revoke();
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        onDone(null);
      }}
    >
      <h3>{t("revokeTitle", { name: venue.name || String(venue.no) })}</h3>
      <p>{t("revokeMeans")}</p>
      <div class="field">
        <label for="revoke-word">{t("revokeType", { word })}</label>
        <input
          id="revoke-word"
          value={typed}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </div>
      {problem && (
        <p class="notice bad" role="alert">
          {problemWords(problem)}
        </p>
      )}
      <div class="bar-line">
        <button class="button danger" type="submit" disabled={typed.trim() !== word || busy}>
          {t("revokeAct")}
        </button>
        <button class="button" type="button" onClick={() => onDone(null)}>
          {t("revokeNot")} <kbd>Esc</kbd>
        </button>
      </div>
    </form>
  );
}

function CodeSection({ venue, rights, onChange }: { venue: Venue; rights: Rights; onChange(): void }): JSX.Element {
  const [asking, setAsking] = useState(false);
  const [fresh, setFresh] = useState<Code | null>(null);
  const code = useLoad(rights.manage ? `code ${venue.no} ${venue.code_version}` : null, (signal) =>
    call("GET /api/v1/venues/{no}/code", { path: { no: venue.no }, signal }),
  );
  const shown = fresh ?? code.value;
  return (
    <section aria-labelledby="code-title">
      <h2 id="code-title">{t("codeTitle")}</h2>
      {fresh && (
        <p class="notice good" role="status">
          {t("revoked", { version: fresh.version })}
        </p>
      )}
      <dl class="facts">
        <div>
          <dt>{t("codeVersion")}</dt>
          <dd>{t("codeVersionWords", { version: shown?.version ?? venue.code_version })}</dd>
        </div>
        {rights.manage && (
          <div>
            <dt>{t("codeShort")}</dt>
            <dd class="short-code">{shown?.short_code ?? "…"}</dd>
          </div>
        )}
      </dl>
      <p class="quiet">{t(rights.manage ? "codeShortNote" : "codeHidden")}</p>
      {rights.manage && !asking && (
        <div class="bar-line">
          <a class="button slim" href={`/api/v1/venues/${venue.no}/poster`} target="_blank" rel="noopener">
            {t("posterOpen")}
          </a>
          <button id="revoke-open" class="button slim" type="button" onClick={() => setAsking(true)}>
            {t("revokeOpen")}
          </button>
        </div>
      )}
      {asking && (
        <Revoke
          venue={venue}
          onDone={(done) => {
            setAsking(false);
            if (done) {
              setFresh(done);
              onChange();
            }
            requestAnimationFrame(() => focusOn("revoke-open"));
          }}
        />
      )}
    </section>
  );
}

export function VenuePane({ no, rights, onBack, onChange }: Props): JSX.Element {
  const [turn, setTurn] = useState(0);
  const loaded = useLoad(`venue ${no}`, (signal) =>
    call("GET /api/v1/venues/{no}", { path: { no }, signal }),
  );
  useEffect(() => {
    if (turn) loaded.reload();
  }, [turn]);
  useKeys({ Escape: onBack });
  useEffect(() => {
    if (loaded.value) focusOn(backId);
  }, [loaded.value === null]);
  const venue = loaded.value;
  const back = (
    <button id={backId} class="button slim" type="button" onClick={onBack}>
      {t("venueBack")} <kbd>Esc</kbd>
    </button>
  );
  if (!venue)
    return (
      <div class="venue">
        <div class="bar-line">{back}</div>
        <Waiting loaded={loaded} />
      </div>
    );
  const { icon, tone, words } = standingOf(venue);
  return (
    <article class="venue" data-venue={venue.no}>
      <div class="bar-line">{back}</div>
      <header class="venue-head">
        <h1>{venue.name || t("venueNameless", { no: venue.no })}</h1>
        <p class={`venue-state ${tone}`}>
          <Icon name={icon} />
          <b>{words}</b>
          <span class="dim small">
            {t("venueNumber", { no: venue.no })} · {t("asOf", { time: clock(venue.true_for) })}
          </span>
        </p>
      </header>
      <Facts venue={venue} />
      <DayChart
        title={chartTitle(venue)}
        name="venue-scans"
        what={t("whatScans")}
        about={venue.name || t("venueNameless", { no: venue.no })}
        days={venue.days}
        values={venue.scans_by_day}
        asOf={venue.true_for}
      />
      {venue.days_hidden > 0 && (
        <p class="quiet">{t("daysHidden", { days: venue.days_hidden, below: venue.hidden_below })}</p>
      )}
      <CodeSection
        venue={venue}
        rights={rights}
        onChange={() => {
          setTurn((old) => old + 1);
          onChange();
        }}
      />
      <Suspicions venue={venue} />
      {rights.loops && <Loops no={no} />}
    </article>
  );
}
