// Situation: what needs somebody, where, and how the 14 days went.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call } from "../../api/client.ts";
import type { Counters } from "../../api/live.ts";
import { t, wordFor } from "../../catalogue.ts";
import { areaName, clockSeconds, count } from "../../format.ts";
import { DayChart } from "../../parts/day-chart.tsx";
import { useKeys } from "../../parts/keys.tsx";
import { useLoad, Waiting } from "../../parts/load.tsx";
import { follow, go, usePlace } from "../../router.ts";
import { DistrictMap } from "./district-map.tsx";
import { DistrictTable } from "./district-table.tsx";
import { ledeOf, mapTitleOf, reportTitle, samplingTitle, scansTitle, testsTitle, type Situation } from "./figures.ts";
import { NeedsList } from "./needs-list.tsx";
import { needsOf } from "./needs.ts";

interface Props {
  live: Counters | null;
  mayOpenCases: boolean;
}

const refreshMilliseconds = 30_000;

/** Live counters over those that were read: of the whole area only, and only where they are newer. */
function merged(situation: Situation, live: Counters | null): Counters {
  if (!live) return situation.counters;
  const newer = new Map(live.map((counter) => [counter.name, counter]));
  return situation.counters.map((counter) => {
    const other = newer.get(counter.name);
    return other && other.true_for >= counter.true_for ? other : counter;
  });
}

function CounterList({ counters }: { counters: Counters }): JSX.Element {
  return (
    <section aria-labelledby="counters-title">
      <h2 id="counters-title">{t("countersTitle")}</h2>
      <dl class="counters">
        {counters.map(({ name, value, true_for }) => (
          <div class="counter" key={name} data-counter={name}>
            <dt>{wordFor("counter", name) ?? name}</dt>
            <dd><b>{count(value)}</b><span class="quiet">{t("asOf", { time: clockSeconds(true_for) })}</span></dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Charts({ situation, casesAddress }: { situation: Situation; casesAddress: string }): JSX.Element {
  const { days, series, as_of: asOf } = situation;
  const door = casesAddress
    ? <a href={casesAddress} onClick={follow}>{t("openCasesDoor")} →</a> : undefined;
  return (
    <section class="charts" aria-label={t("chartsLabel")}>
      <DayChart name="cases_by_report" title={reportTitle(situation)} days={days} asOf={asOf}
        values={series.cases_by_report} door={door} />
      <DayChart name="cases_by_sampling" title={samplingTitle(situation)} days={days} asOf={asOf}
        values={series.cases_by_sampling} door={door} />
      <DayChart name="scans" title={scansTitle(situation)} days={days} asOf={asOf} values={series.scans} />
      <DayChart name="tests" title={testsTitle(situation)} days={days} asOf={asOf} values={series.tests} />
    </section>
  );
}

export function SituationScreen({ live, mayOpenCases }: Props): JSX.Element {
  const area = usePlace().query.get("area") ?? "";
  const [hovered, setHovered] = useState("");
  const whole = useLoad("situation", (signal) => call("GET /api/v1/situation", { signal }));
  const part = useLoad(area || null, (signal) => call("GET /api/v1/situation", { query: { area }, signal }));
  const casesNow = live?.find((counter) => counter.name === "cases_14d")?.value;

  useEffect(() => {
    const timer = setInterval(() => {
      whole.reload();
      part.reload();
    }, refreshMilliseconds);
    return () => clearInterval(timer);
  }, [whole.reload, part.reload]);
  useEffect(() => {
    if (casesNow !== undefined) whole.reload();
  }, [casesNow]);

  const select = (code: string): void => go(code && code !== area ? `/?area=${code}` : "/");
  useKeys({ Escape: () => go("/") });

  const situation = whole.value;
  if (!situation) return <Waiting loaded={whole} />;
  const shown = area ? part.value : situation;
  const district = situation.districts.find(({ code }) => code === area);
  const counters = shown && (area ? shown.counters : merged(shown, live));
  return (
    <>
      <h1 class="sr">{t("situation")}</h1>
      <p class="lede">
        <span>{ledeOf(shown ?? situation)}</span>
        {area && (
          <button class="button slim" type="button" onClick={() => go("/")}>
            {t("areaScope", { name: district ? areaName(district) : area })} · {t("areaClear")} <kbd>Esc</kbd>
          </button>
        )}
      </p>
      <div class="situation">
        <NeedsList needs={needsOf(situation)} mayOpenCases={mayOpenCases} onHover={setHovered} onSelect={select} />
        <section class="middle" aria-labelledby="map-title">
          <h2 id="map-title">{mapTitleOf(situation)}</h2>
          <DistrictMap districts={situation.districts} demo={situation.demo} selected={area} hovered={hovered}
            onHover={setHovered} onSelect={select} />
          <DistrictTable situation={situation} mayOpenCases={mayOpenCases} selected={area} hovered={hovered}
            onHover={setHovered} onSelect={select} />
          <p class="quiet">{t(situation.demo ? "mapPopulation" : "mapPopulationReal")}</p>
        </section>
        <div class="side">
          {shown
            ? <Charts situation={shown} casesAddress={mayOpenCases ? `/cases${area && `?area=${area}`}` : ""} />
            : <Waiting loaded={part} />}
          {counters && <CounterList counters={counters} />}
        </div>
      </div>
    </>
  );
}
