// The charts beside the map: one title that is a sentence each, one time axis for all. A panel whose source
// is not there yet is hatched and says so.
import type { JSX } from "preact";
import { t, wordFor } from "../../catalogue.ts";
import { dayLong } from "../../format.ts";
import { DayChart } from "../../parts/day-chart.tsx";
import { follow } from "../../router.ts";
import {
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

function Reproduction({ situation }: { situation: Situation }): JSX.Element {
  const { days, reproduction, as_of: asOf } = situation;
  const last = lastKnown(reproduction);
  return (
    <DayChart
      name="reproduction"
      title={reproductionTitle(situation)}
      days={days}
      asOf={asOf}
      past={situation.past}
      values={reproduction.map((estimate) => estimate?.mean ?? null)}
      band={reproduction}
      wordsOf={(day) => rangeWords(reproduction[day] ?? null)}
      foot={
        last < 0
          ? t("footReproductionNone")
          : t("footReproduction", { day: dayLong(days[last] ?? "") })
      }
    />
  );
}

function Loops({ situation, address }: { situation: Situation; address: string }): JSX.Element {
  const { days, series, as_of: asOf } = situation;
  const { loops_opened: opened, loops_closed: closed, loops_overdue: overdue } = series;
  return (
    <DayChart
      name="loops"
      title={loopsTitle(situation)}
      days={days}
      asOf={asOf}
      past={situation.past}
      values={opened}
      second={closed}
      wordsOf={(day) =>
        t("loopsOfDay", {
          opened: opened[day] ?? 0,
          closed: closed[day] ?? 0,
          overdue: overdue[day] ?? 0,
        })
      }
      door={address ? <Door address={address} words={t("openLoopsDoor")} /> : undefined}
      foot={t("footLoops")}
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
  const { days, series, as_of: asOf } = situation;
  const door = casesAddress ? (
    <Door address={casesAddress} words={t("openCasesDoor")} />
  ) : undefined;
  return (
    <section class="charts" aria-label={t("chartsLabel")}>
      <DayChart
        name="cases_by_report"
        title={reportTitle(situation)}
        days={days}
        asOf={asOf}
        past={situation.past}
        values={series.cases_by_report}
        door={door}
      />
      <Reproduction situation={situation} />
      <DayChart
        name="cases_by_sampling"
        title={samplingTitle(situation)}
        days={days}
        asOf={asOf}
        past={situation.past}
        values={series.cases_by_sampling}
        door={door}
      />
      <Loops situation={situation} address={loopsAddress} />
      <DayChart
        name="scans"
        title={scansTitle(situation)}
        days={days}
        asOf={asOf}
        past={situation.past}
        values={series.scans}
      />
      <DayChart
        name="tests"
        title={testsTitle(situation)}
        days={days}
        asOf={asOf}
        past={situation.past}
        values={series.tests}
      />
      {situation.unfed.map((name) => (
        <Unfed key={name} name={name} />
      ))}
    </section>
  );
}
