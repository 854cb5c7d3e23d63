// Series of an alert: the small one of a row, and the chart of its own with the band of what was
// expected. A value that is not known is hatched over its whole height and never 0; above the band it
// is a filled mark, and the latest one is labelled.
import type { JSX } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../../catalogue.ts";
import { dayLong, dayShort } from "../../format.ts";
import { HatchPattern } from "../../parts/icons.tsx";
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
const height = 260;
const left = 46;
const bottom = 24;
const topSpace = 22;

/** Round steps of an axis up to `most`: at most five. */
function ticks(most: number): number[] {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? rough;
  const out: number[] = [];
  for (let at = 0; at <= most * 1.0001; at += step) out.push(at);
  return out;
}

/** The band as one shape a stretch of days that have one. */
function bandPath(points: readonly Point[], xOf: (i: number) => number, yOf: (v: number) => number, half: number): string {
  let path = "";
  points.forEach((point, i) => {
    if (point.bound === null) return;
    const y = yOf(point.bound).toFixed(1);
    path += `M${(xOf(i) - half).toFixed(1)} ${yOf(0)}V${y}H${(xOf(i) + half).toFixed(1)}V${yOf(0)}Z`;
  });
  return path;
}

export const isOut = (point: Point): boolean =>
  point.observed !== null && point.bound !== null && point.observed > point.bound;

interface ChartProps {
  series: readonly Point[];
  byRule: boolean;
  title: string;
}

const readWords = (point: Point): string =>
  t("chartRead", {
    day: dayLong(point.day),
    observed: point.observed === null ? t("unknown") : amount(point.observed),
    expected: amount(point.expected),
    bound: amount(point.bound),
  });

function Picture({ series, byRule, title }: ChartProps): JSX.Element {
  const hatch = useId();
  const box = useRef<SVGSVGElement>(null);
  const [width, setWidth] = useState(560);
  const [chosen, setChosen] = useState(-1);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = (): void => setWidth(Math.max(280, Math.round(element.clientWidth)));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const most = Math.max(1, ...series.flatMap(({ observed, bound }) => [observed ?? 0, bound ?? 0]));
  const marks = ticks(most);
  const top = Math.max(most, marks.at(-1) ?? 1);
  const slot = (width - left - 8) / series.length;
  const xOf = (i: number): number => left + (i + 0.5) * slot;
  const yOf = (value: number): number =>
    topSpace + (1 - value / top) * (height - bottom - topSpace);
  const base = yOf(0);
  const labels = new Set(
    width < 420 ? [0, 14, series.length - 1] : [0, 7, 14, 21, series.length - 1],
  );
  const latest = series.at(-1);
  // Over its own bar, and clear of the one beside it, into which it reaches.
  const labelAt = Math.max(latest?.observed ?? 0, series.at(-2)?.observed ?? 0);
  const onKey = (event: KeyboardEvent): void => {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1 };
    const step = steps[event.key];
    if (step === undefined) return;
    const from = chosen < 0 ? (step > 0 ? -1 : series.length) : chosen;
    setChosen(Math.max(0, Math.min(series.length - 1, from + step)));
    event.preventDefault();
    event.stopPropagation();
  };
  const readAt = (event: MouseEvent): void => {
    const rect = box.current?.getBoundingClientRect();
    if (!rect) return;
    const at = Math.floor(((event.clientX - rect.left) * (width / rect.width) - left) / slot);
    setChosen(at >= 0 && at < series.length ? at : -1);
  };
  const read = series[chosen];
  return (
    <>
      <svg
        ref={box}
        class="alert-chart"
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        tabIndex={0}
        aria-label={`${title}. ${t("chartKeys")}`}
        onKeyDown={onKey}
        onMouseMove={readAt}
        onMouseLeave={() => setChosen(-1)}
        onBlur={() => setChosen(-1)}
      >
        <defs>
          <HatchPattern id={hatch} />
        </defs>
        {marks.map((value) => (
          <g key={value}>
            <line class="grid" x1={left} x2={width - 8} y1={yOf(value)} y2={yOf(value)} />
            <text x={left - 8} y={yOf(value) + 4} text-anchor="end">
              {amount(value)}
            </text>
          </g>
        ))}
        <path class="band" d={bandPath(series, xOf, yOf, slot / 2)} />
        {series.map((point, i) => {
          const x = xOf(i) - slot * 0.36;
          const wide = slot * 0.72;
          if (point.observed === null)
            return (
              <rect
                key={point.day}
                class="missing"
                x={x}
                y={topSpace}
                width={wide}
                height={base - topSpace}
                fill={`url(#${hatch})`}
              />
            );
          const tone = isOut(point) || (byRule && i === series.length - 1) ? "bar out" : "bar";
          return (
            <rect
              key={point.day}
              class={tone}
              x={x}
              y={yOf(point.observed)}
              width={wide}
              height={Math.max(0, base - yOf(point.observed))}
            />
          );
        })}
        <line class="axis" x1={left} x2={width - 8} y1={base} y2={base} />
        {read && <rect class="chosen" x={xOf(chosen) - slot / 2} y={topSpace} width={slot} height={base - topSpace} />}
        {latest?.observed != null && (
          <text class="latest" x={width - 8} y={yOf(labelAt) - 7} text-anchor="end">
            {amount(latest.observed)}
          </text>
        )}
        {series.map((point, i) =>
          labels.has(i) ? (
            <text key={point.day} x={xOf(i)} y={height - 6} text-anchor={i === 0 ? "start" : i === series.length - 1 ? "end" : "middle"}>
              {dayShort(point.day)}
            </text>
          ) : null,
        )}
      </svg>
      <p class="readout small" role="status">
        {read ? readWords(read) : ""}
      </p>
    </>
  );
}

function Table({ series, title }: ChartProps): JSX.Element {
  return (
    <div class="scroll-x">
      <table class="series-table">
        <caption class="sr">{title}</caption>
        <thead>
          <tr>
            <th scope="col">{t("thDay")}</th>
            <th scope="col" class="right">{t("thObserved")}</th>
            <th scope="col" class="right">{t("thExpected")}</th>
            <th scope="col" class="right">{t("thBound")}</th>
          </tr>
        </thead>
        <tbody>
          {[...series].reverse().map((point) => (
            <tr key={point.day} class={isOut(point) ? "out" : ""}>
              <th scope="row">{dayLong(point.day)}</th>
              <td class="right">{point.observed === null ? t("unknown") : amount(point.observed)}</td>
              <td class="right">{amount(point.expected)}</td>
              <td class="right">{amount(point.bound)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function SeriesChart({ alert }: { alert: Whole }): JSX.Element {
  const [asTable, setAsTable] = useState(false);
  const { series } = alert;
  const first = series[0];
  const second = series[1];
  const weekly =
    first !== undefined &&
    second !== undefined &&
    Date.parse(second.day) - Date.parse(first.day) > 2 * 86_400_000;
  const title = t(weekly ? "chartTitleStep7" : "chartTitle");
  const missing = series.some((point) => point.observed === null);
  const props: ChartProps = { series, byRule: alert.by_rule, title };
  return (
    <figure class="alert-figure">
      <figcaption class="bar-line">
        <h2>{title}</h2>
        <button class="button slim" type="button" onClick={() => setAsTable(!asTable)}>
          {t(asTable ? "chartPicture" : "chartTable")}
        </button>
      </figcaption>
      {asTable ? <Table {...props} /> : <Picture {...props} />}
      <p class="foot">
        {t("chartBand")}
        {missing && (
          <>
            <br />
            <i class="hatched hatch-key" aria-hidden="true" /> {t("chartMissing")}
          </>
        )}
      </p>
    </figure>
  );
}
