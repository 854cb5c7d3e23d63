// Series of an alert: the small one of a row, and the chart of its own with the band of what was
// expected. The small one holds what the chart does, which Enter opens: table and files are there. A value
// that is not known is hatched over its whole height and never 0; above the band it is a filled mark, and
// the latest one is labelled.
import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { t } from "../../catalogue.ts";
import { DayChart } from "../../parts/day-chart.tsx";
import { HatchPattern } from "../../parts/icons.tsx";
import { areaWords, say } from "../loops/definitions.ts";
import { amount, type Whole } from "./words.ts";

const sparkWidth = 168;
const sparkHeight = 36;

interface SparkProps {
  trail: readonly (number | null)[];
  bound: number | null;
}

/** Line of the known values; broken, not bridged, where one is missing. */
function lines(points: readonly { x: number; y: number | null }[]): string {
  let path = "";
  let open = false;
  for (const { x, y } of points) {
    if (y !== null) path += `${open ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    open = y !== null;
  }
  return path;
}

export function Spark({ trail, bound }: SparkProps): JSX.Element {
  const hatch = useId();
  const known = trail.filter((value): value is number => value !== null);
  const top = Math.max(1, bound ?? 0, ...known) * 1.08;
  const step = sparkWidth / trail.length;
  const yOf = (value: number): number => sparkHeight - 2 - (value / top) * (sparkHeight - 5);
  const points = trail.map((value, i) => ({
    x: (i + 0.5) * step,
    y: value === null ? null : yOf(value),
  }));
  const last = points.at(-1);
  const value = trail.at(-1) ?? null;
  const missing = trail.length - known.length;
  const label = t("trailLabel", { most: known.length ? amount(Math.max(...known)) : "—", missing });
  return (
    <svg class="alert-spark" viewBox={`0 0 ${sparkWidth} ${sparkHeight}`} role="img" aria-label={label}>
      <defs>
        <HatchPattern id={hatch} clear />
      </defs>
      {bound !== null && (
        <rect class="band" x="0" y={yOf(bound)} width={sparkWidth} height={sparkHeight - yOf(bound)} />
      )}
      {trail.map((one, i) =>
        one === null ? (
          <rect
            key={i}
            x={i * step}
            y="1"
            width={step}
            height={sparkHeight - 2}
            fill={`url(#${hatch})`}
          />
        ) : null,
      )}
      <path class="line" d={lines(points)} />
      {last?.y != null && (
        <circle
          class={bound !== null && value !== null && value > bound ? "out" : "dot"}
          cx={last.x}
          cy={last.y}
          r="3.4"
        />
      )}
    </svg>
  );
}

// ---- The chart of one alert

type Point = Whole["series"][number];

const isOut = (point: Point): boolean =>
  point.observed !== null && point.bound !== null && point.observed > point.bound;

const readWords = (point: Point): string =>
  t("chartRead", {
    observed: point.observed === null ? t("unknown") : amount(point.observed),
    expected: amount(point.expected),
    bound: amount(point.bound),
  });

const mark = (tone: string): JSX.Element => <rect class={tone} x="9" y="1" width="10" height="10" />;

export function SeriesChart({ alert }: { alert: Whole }): JSX.Element {
  const { series } = alert;
  const [first, second] = series;
  const weekly =
    first !== undefined &&
    second !== undefined &&
    Date.parse(second.day) - Date.parse(first.day) > 2 * 86_400_000;
  const out = series.map((point, i) => isOut(point) || (alert.by_rule && i === series.length - 1));
  const of = (name: "observed" | "expected" | "bound"): (number | null)[] =>
    series.map((point) => point[name]);
  return (
    <DayChart
      name="alert"
      className="alert-figure"
      heading="h2"
      what={say(alert.title) || alert.channel}
      title={t(weekly ? "chartTitleStep7" : "chartTitle", {
        count: series.length,
        out: out.filter(Boolean).length,
      })}
      about={areaWords(alert.area)}
      asOf={series.at(-1)?.day ?? null}
      days={series.map(({ day }) => day)}
      values={of("observed")}
      limit={of("bound")}
      out={out}
      whole
      step={weekly ? "week" : "day"}
      wordsOf={(i) => readWords(series[i]!)}
      columns={[{ words: t("thObserved") }, { words: t("thExpected") }, { words: t("thBound") }]}
      cells={(i) => {
        const { observed, expected, bound } = series[i]!;
        return [observed, expected ?? "", bound ?? ""];
      }}
      keys={[
        { mark: <rect class="band" width="28" height="12" />, words: t("chartBand") },
        { mark: mark("bar out"), words: t("chartOut") },
      ]}
      missingWords={t("chartMissing")}
    />
  );
}
