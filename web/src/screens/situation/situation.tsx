// Situation: what needs somebody, where, and how the 14 days went; now, or as it was known at an hour
// that the address names. The past is read only: it offers no act, and live figures wait.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call } from "../../api/client.ts";
import type { Counters } from "../../api/live.ts";
import { onLive } from "../../api/moments.ts";
import { t, wordFor } from "../../catalogue.ts";
import { areaName, clockSeconds, count } from "../../format.ts";
import { useKeys } from "../../parts/keys.tsx";
import { useLoad, Waiting, type Loaded } from "../../parts/load.tsx";
import { hoursOf, momentOf, PastNote, TimeBar } from "../../parts/time-bar.tsx";
import { follow, go, usePlace } from "../../router.ts";
import { Charts } from "./charts.tsx";
import { DistrictMap } from "./district-map.tsx";
import { DistrictTable } from "./district-table.tsx";
import { atLeast, casesKnown, ledeOf, mapTitleOf, type Situation } from "./figures.ts";
import { NeedsList } from "./needs-list.tsx";
import { needsOf } from "./needs.ts";
import { useOwnedNeeds, type Readable } from "./owned-needs.ts";

interface Props {
  live: Counters | null;
  mayOpenCases: boolean;
  may: Readable;
}

const refreshMilliseconds = 30_000;

/** Live counters over those that were read: of the whole area only, and only where they are
 *  newer. */
function merged(situation: Situation, live: Counters | null): Counters {
  if (!live) return situation.counters;
  const newer = new Map(live.map((counter) => [counter.name, counter]));
  return situation.counters.map((counter) => {
    const other = newer.get(counter.name);
    return other?.true_for && other.true_for >= (counter.true_for ?? "") ? other : counter;
  });
}

function CounterValue({
  counter,
  situation,
}: {
  counter: Counters[number];
  situation: Situation;
}): JSX.Element {
  if (counter.hidden)
    return (
      <b class="none hatched few" title={t("tooFewWhy")}>
        <span class="none-text">{t("tooFew")}</span>
      </b>
    );
  const known = casesKnown(counter.name, situation);
  const value = counter.value ?? known?.value ?? null;
  if (value === null || known?.value === null)
    return (
      <b class="none hatched">
        <span class="none-text">{t("unknown")}</span>
      </b>
    );
  return (
    <b>
      {known && counter.name !== "cases_today" ? atLeast(value, known.whole) : count(value)}
    </b>
  );
}

function CounterList({
  counters,
  situation,
}: {
  counters: Counters;
  situation: Situation;
}): JSX.Element {
  return (
    <section aria-labelledby="counters-title">
      <h2 id="counters-title">{t(situation.past ? "countersThen" : "countersTitle")}</h2>
      <dl class="counters">
        {counters.map((counter) => (
          <div class="counter" key={counter.name} data-counter={counter.name}>
            <dt>{wordFor("counter", counter.name) ?? counter.name}</dt>
            <dd>
              <CounterValue counter={counter} situation={situation} />
              {counter.true_for && (
                <span class="quiet">{t("asOf", { time: clockSeconds(counter.true_for) })}</span>
              )}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** How many of the live figures are others than they were when one began to look back. */
function useWaiting(live: Counters | null, past: boolean): number {
  const frozen = useRef<Counters | null>(null);
  if (!past) frozen.current = null;
  else frozen.current ??= live;
  const before = new Map((frozen.current ?? []).map(({ name, value }) => [name, value]));
  if (!past || !live || !frozen.current) return 0;
  return live.filter(({ name, value }) => before.get(name) !== value).length;
}

interface Kept<T> {
  value: T;
  key: string;
  /** The hour that it is of; "" is now. */
  moment: string;
}

/** What was read last stays while another hour is being read, so that a drag never blinks; of an hour
 *  that cannot be read another one's figures do not stand in its place. */
function useKept<T>(read: Loaded<T>, key: string, moment: string): Kept<T> | null {
  const kept = useRef<Kept<T> | null>(null);
  if (read.value !== null) kept.current = { value: read.value, key, moment };
  const shown = kept.current;
  if (shown?.key !== key || (read.problem && shown.moment !== moment)) return null;
  return shown;
}

const addressOf = (area: string, moment: string): string => {
  const fields = new URLSearchParams({ ...(area && { area }), ...(moment && { as_of: moment }) });
  return fields.size ? `/?${fields.toString()}` : "/";
};

export function SituationScreen({ live, mayOpenCases, may }: Props): JSX.Element {
  const { query } = usePlace();
  const area = query.get("area") ?? "";
  const moment = momentOf(query);
  const [hovered, setHovered] = useState("");
  const read = (what: Record<string, string>) => (signal: AbortSignal) =>
    call("GET /api/v1/situation", {
      query: { ...what, ...(moment && { as_of: moment }) },
      signal,
    });
  const whole = useLoad(`situation ${moment}`, read({}));
  const part = useLoad(area ? `${area} ${moment}` : null, read({ area }));
  const bar = useLoad("hours", (signal) => call("GET /api/v1/situation:hours", { signal }));
  const waiting = useWaiting(live, moment !== "");
  const casesNow = live?.find((counter) => counter.name === "cases_14d")?.value;

  useEffect(() => {
    if (moment) return; // what was known then does not change
    const timer = setInterval(() => {
      whole.reload();
      part.reload();
      bar.reload();
    }, refreshMilliseconds);
    return () => clearInterval(timer);
  }, [moment, whole.reload, part.reload, bar.reload]);
  useEffect(() => {
    if (moment) return;
    return onLive("back", () => {
      whole.reload();
      part.reload();
      bar.reload();
    });
  }, [moment, whole.reload, part.reload, bar.reload]);
  useEffect(() => {
    if (casesNow !== undefined && !moment) whole.reload();
  }, [casesNow]);

  const owned = useOwnedNeeds(may, moment, whole.value?.as_of.slice(0, 16) ?? "");
  const mayListLoops = may.loops && may.loopsOfAreas;

  const select = (code: string): void => go(addressOf(code !== area ? code : "", moment));
  const look = (next: string): void => go(addressOf(area, next), moment !== "" && next !== "");
  useKeys({ Escape: () => go(addressOf(moment ? area : "", "")) });

  const kept = useKept(whole, "whole", moment);
  const keptPart = useKept(part, area, moment);
  const situation = kept?.value;
  const bars = bar.value && <TimeBar hours={hoursOf(bar.value)} moment={moment} onMoment={look} />;
  if (!situation)
    return (
      <>
        {moment && (
          <PastNote
            moment={moment}
            isRead={false}
            knownAt={moment}
            waiting={0}
            onNow={() => look("")}
          />
        )}
        <div class="unread">
          <Waiting loaded={whole} />
        </div>
        {bars}
      </>
    );
  const shown = area ? keptPart?.value : situation;
  const district = situation.districts.find(({ code }) => code === area);
  const past = moment !== "" || situation.past; // the hour left is shown until now is read
  const counters = shown && (area || past ? shown.counters : merged(shown, live));
  const opens = mayOpenCases && !past;
  return (
    <>
      <h1 class="sr">{t("situation")}</h1>
      {moment && (
        <PastNote
          moment={moment}
          isRead={kept.moment === moment}
          knownAt={situation.past && kept.moment === moment ? situation.known_at : moment}
          waiting={waiting}
          onNow={() => look("")}
        >
          {mayListLoops ? (
            <a href={`/loops?${new URLSearchParams({ list: "area", as_of: moment })}`} onClick={follow}>
              {t("pastLoops")} →
            </a>
          ) : undefined}
        </PastNote>
      )}
      <p class="lede">
        <span>{ledeOf(shown ?? situation)}</span>
        {area && (
          <button class="button slim" type="button" onClick={() => go(addressOf("", moment))}>
            {t("areaScope", { name: district ? areaName(district) : area })} · {t("areaClear")}{" "}
            {!past && <kbd>Esc</kbd>}
          </button>
        )}
      </p>
      <div class={`situation${past ? " past" : ""}`} aria-busy={!whole.value}>
        <NeedsList
          needs={[...owned.needs, ...needsOf(situation)]}
          totals={owned.totals}
          unread={owned.unread}
          ready={owned.ready}
          moment={moment}
          past={past}
          mayOpenCases={opens}
          onHover={setHovered}
          onSelect={select}
        />
        <section class="middle" aria-labelledby="map-title">
          <h2 id="map-title">{mapTitleOf(situation)}</h2>
          <DistrictMap
            districts={situation.districts}
            demo={situation.demo}
            past={past}
            selected={area}
            hovered={hovered}
            onHover={setHovered}
            onSelect={select}
          />
          <DistrictTable
            situation={situation}
            mayOpenCases={opens}
            selected={area}
            hovered={hovered}
            onHover={setHovered}
            onSelect={select}
          />
          <p class="quiet">{t(situation.demo ? "mapPopulation" : "mapPopulationReal")}</p>
        </section>
        <div class="side">
          {shown ? (
            <Charts
              situation={shown}
              casesAddress={opens ? `/cases${area && `?area=${area}`}` : ""}
              loopsAddress={mayListLoops && !past ? "/loops?list=area" : ""}
            />
          ) : (
            <Waiting loaded={part} />
          )}
          {counters && shown && <CounterList counters={counters} situation={shown} />}
        </div>
      </div>
      {bars}
    </>
  );
}
