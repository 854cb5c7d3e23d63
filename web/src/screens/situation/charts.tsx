// The charts beside the map: one title that is a sentence each, one time axis for all. A panel whose source
// is not there yet is hatched and says so.
import type { ComponentChildren, JSX } from "preact";
import { t, wordFor, type WordKey } from "../../catalogue.ts";
import { areaName, count } from "../../format.ts";
import { DayChart } from "../../parts/day-chart.tsx";
import { follow } from "../../router.ts";
import {
  dataTime,
  lastKnown,
  loopsTitle,
  rangeWords,
  reportTitle,
  reproductionTitle,
  samplingTitle,
  scansTitle,
  testsTitle,
  type Situation,
} from "./figures.ts";

interface Props {
  situation: Situation;
  casesAddress: string;
  loopsAddress: string;
}

function Door({ address, words }: { address: string; words: string }): JSX.Element {
  return (
    <a href={address} onClick={follow}>
      {words} →
    </a>
  );
}

/** What all of these charts have in common. `counter` says for when the numbers are true. */
const common = (situation: Situation, counter: string) => ({
  days: situation.days,
  past: situation.past,
  about: areaName(situation.area),
  asOf: dataTime(situation, counter),
});

function Reproduction({ situation }: { situation: Situation }): JSX.Element {
  const { reproduction } = situation;
  const known = lastKnown(reproduction) >= 0;
  return (
    <DayChart
      {...common(situation, "cases_14d")}
      name="reproduction"
      what={t("whatReproduction")}
      title={reproductionTitle(situation)}
      values={reproduction.map((estimate) => estimate?.mean ?? null)}
      estimate={reproduction}
      line
      reference={1}
      wordsOf={(day) => rangeWords(reproduction[day] ?? null)}
      columns={[{ words: t("thMean") }, { words: t("thLow") }, { words: t("thHigh") }]}
      cells={(day) => {
        const { mean, low, high } = reproduction[day] ?? { mean: null, low: null, high: null };
        return [mean, low, high];
      }}
      keys={known ? [{ mark: <rect class="band" width="28" height="12" />, words: t("footReproduction") }] : []}
      complete={t("estimatesKnown", {
        days: reproduction.length,
        known: reproduction.filter(Boolean).length,
      })}
      missingWords={t("footReproductionNone")}
    />
  );
}

/** Cases by onset or sampling, with those that are still to be reported: the nowcast as a band. */
function ByOnset({ situation, door }: { situation: Situation; door: ComponentChildren }): JSX.Element {
  const { nowcast, series } = situation;
  const values = series.cases_by_sampling;
  const any = nowcast.some(Boolean);
  return (
    <DayChart
      {...common(situation, "cases_14d")}
      name="cases_by_sampling"
      what={t("whatOnset")}
      title={samplingTitle(situation)}
      values={values}
      hidden={situation.hidden.cases_by_sampling}
      estimate={nowcast.map((cast) => cast && { ...cast, mean: cast.median })}
      wordsOf={(day) => {
        const value = values[day] ?? null;
        const cast = nowcast[day];
        if (value === null) return t("unknown");
        return cast ? t("ofDayCast", { ...cast, count: count(value) }) : count(value);
      }}
      columns={[
        { words: t("thReportedYet") },
        { words: t("thCast") },
        { words: t("thLow") },
        { words: t("thHigh") },
      ]}
      cells={(day) => {
        const { median, low, high } = nowcast[day] ?? { median: "", low: "", high: "" };
        return [values[day] ?? null, median, low, high];
      }}
      keys={[
        any
          ? { mark: <rect class="band" width="28" height="12" />, words: t("keyCast") }
          : { words: t("keyCastNone") },
      ]}
      door={door}
    />
  );
}

function Loops({ situation, address }: { situation: Situation; address: string }): JSX.Element {
  const { loops_opened: opened, loops_closed: closed, loops_overdue: overdue } = situation.series;
  return (
    <DayChart
      {...common(situation, "loops")}
      name="loops"
      what={t("whatLoops")}
      title={loopsTitle(situation)}
      values={opened}
      second={closed}
      points={overdue}
      wordsOf={(day) =>
        opened[day] == null
          ? t("unknown")
          : t("loopsOfDay", {
              opened: opened[day] ?? 0,
              closed: closed[day] ?? 0,
              overdue: overdue[day] ?? 0,
            })
      }
      columns={[{ words: t("thLoopsOpened") }, { words: t("thLoopsClosed") }, { words: t("thFellOverdue") }]}
      cells={(day) => [opened[day] ?? null, closed[day] ?? null, overdue[day] ?? null]}
      keys={[
        { mark: <rect class="bar light" x="9" y="1" width="10" height="10" />, words: t("thLoopsOpened") },
        { mark: <rect class="bar dark" x="9" y="1" width="10" height="10" />, words: t("thLoopsClosed") },
        { mark: <circle class="point" cx="14" cy="6" r="2.8" />, words: t("thFellOverdue") },
      ]}
      door={address ? <Door address={address} words={t("openLoopsDoor")} /> : undefined}
    />
  );
}

/** Against what the same area had on the same weekday before: its own baseline. */
function OwnBaseline({
  situation,
  name,
  what,
  title,
}: {
  situation: Situation;
  name: "scans" | "tests";
  what: WordKey;
  title: string;
}): JSX.Element {
  const { [name]: values, [`${name}_week_before` as const]: usual } = situation.series;
  return (
    <DayChart
      {...common(situation, `${name}_today`)}
      name={name}
      what={t(what)}
      title={title}
      values={values}
      hidden={name === "tests" ? situation.hidden.tests : undefined}
      usual={usual}
      wordsOf={(day) => {
        const value = values[day] ?? null;
        if (value === null) return t("unknown");
        const before = usual[day] ?? null;
        return before === null
          ? count(value)
          : t("ofDayUsual", { count: count(value), usual: count(before) });
      }}
      columns={[{ words: t(what) }, { words: t("thWeekBefore") }]}
      cells={(day) => [values[day] ?? null, usual[day] ?? null]}
      keys={[{ mark: <path class="usual" d="M2 6h24" />, words: t("thWeekBefore") }]}
    />
  );
}

function Unfed({ name }: { name: string }): JSX.Element {
  return (
    <figure class="unfed" data-unfed={name}>
      <figcaption>{wordFor("unfed", name) ?? name}</figcaption>
      <div class="hatched">
        <span class="none-text">{t("notFed")}</span>
      </div>
    </figure>
  );
}

export function Charts({ situation, casesAddress, loopsAddress }: Props): JSX.Element {
  const { series } = situation;
  const door: ComponentChildren = casesAddress ? (
    <Door address={casesAddress} words={t("openCasesDoor")} />
  ) : undefined;
  return (
    <section class="charts" aria-label={t("chartsLabel")}>
      <DayChart
        {...common(situation, "cases_14d")}
        name="cases_by_report"
        what={t("whatReport")}
        title={reportTitle(situation)}
        values={series.cases_by_report}
        hidden={situation.hidden.cases_by_report}
        door={door}
      />
      <Reproduction situation={situation} />
      <ByOnset situation={situation} door={door} />
      <Loops situation={situation} address={loopsAddress} />
      <OwnBaseline
        situation={situation}
        name="scans"
        what="whatScans"
        title={scansTitle(situation)}
      />
      <OwnBaseline
        situation={situation}
        name="tests"
        what="whatTests"
        title={testsTitle(situation)}
      />
      {situation.unfed.map((name) => (
        <Unfed key={name} name={name} />
      ))}
    </section>
  );
}
