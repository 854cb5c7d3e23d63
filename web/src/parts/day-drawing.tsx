// Days side by side, as an SVG that is the same on the page and in a file: bars, two bars side by side, an
// estimate as a line in its band, the limit that was expected. A day that is not on record is hatched
// over its whole height and is never 0; a gap breaks a line and is never bridged; the last day's bar
// is an outline while that day is not over.
import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { t } from "../catalogue.ts";
import { count, dayShort } from "../format.ts";
import { HatchPattern } from "./icons.tsx";

export type Days = readonly (number | null)[];
export interface Estimate {
  mean: number;
  low: number;
  high: number;
}

export interface DayShape {
  /** A bar a day; null is hatched. */
  values: Days;
  /** A lighter bar beside each. */
  second?: Days | undefined;
  /** An interval a day with a stroke in the middle, over the bars; where `line`, a line in its band in
   *  their place. */
  estimate?: readonly (Estimate | null)[] | undefined;
  line?: boolean;
  /** What the value is held against: a stroke over the day. */
  usual?: Days | undefined;
  /** A ring a day, of another count on the same scale. */
  points?: Days | undefined;
  /** Up to here was expected: a band from 0. */
  limit?: Days | undefined;
  /** Bars that are above it. */
  out?: readonly boolean[] | undefined;
  /** A line across all days. */
  reference?: number | undefined;
  /** The last day is over: a full bar, its date and its value. */
  whole?: boolean;
}

interface Props {
  shape: DayShape;
  days: readonly string[];
  /** The last day is called by its date and not today. */
  past?: boolean;
  width: number;
  height: number;
  chosen?: number;
}

const left = 40;
const right = 10;
const bottom = 21;
const pixelsTick = 29;

/** Round steps from 0 to at least `most`. */
function ticksOf(most: number, steps: number): number[] {
  const rough = Math.max(most / Math.max(1, steps), most >= 2 ? 1 : 0.01);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step =
    [1, 2, 2.5, 5, 10]
      .map((one) => one * power)
      .find((one) => one >= rough * 0.9999 && (Number.isInteger(one) || most < 2)) ?? rough;
  const out: number[] = [];
  for (let i = 0; i === 0 || out.at(-1)! < most; i++) out.push(Number((i * step).toPrecision(12)));
  return out;
}

const axisWords = (value: number): string => (value >= 1e4 ? `${value / 1e3}k` : count(value));

/** The highest thing drawn. A band of which little is known would press all else to the ground: it is cut
 *  at twice what is highest besides; its end stands in the table. */
function topOf({ values, second, estimate, usual, points, limit, reference }: DayShape): number {
  const known = Math.max(
    1,
    reference ?? 0,
    ...[values, second, usual, points, limit].flatMap((list) =>
      (list ?? []).map((value) => value ?? 0),
    ),
    ...(estimate ?? []).map((one) => one?.mean ?? 0),
  );
  return Math.min(2 * known, Math.max(known, ...(estimate ?? []).map((one) => one?.high ?? 0)));
}

/** Days that carry a date: the first, the last, and every seventh between that is clear of both. */
function labelled(days: number, slot: number): number[] {
  const last = days - 1;
  const out = days > 1 ? [0, last] : [0];
  for (let i = 7; i < last; i += 7) if ((last - i) * slot > 62 && i * slot > 62) out.push(i);
  return out;
}

/** Stretches of days that follow one another, each known. */
function stretches(list: readonly (Estimate | null)[]): { i: number; one: Estimate }[][] {
  const out: { i: number; one: Estimate }[][] = [];
  list.forEach((one, i) => {
    if (!one) return;
    const run = out.at(-1);
    if (run && run.at(-1)!.i === i - 1) run.push({ i, one });
    else out.push([{ i, one }]);
  });
  return out;
}

interface Place {
  slot: number;
  /** What is higher is cut, and marked as cut. */
  most: number;
  xOf(day: number): number;
  yOf(value: number): number;
}

/** Days apart, each with its interval. */
function Intervals({ list, place }: { list: NonNullable<DayShape["estimate"]>; place: Place }): JSX.Element {
  const { xOf, yOf, slot, most } = place;
  const wide = slot * 0.8;
  return (
    <>
      {list.map((one, i) => {
        if (!one) return null;
        const x = xOf(i) - wide / 2;
        const y = yOf(one.high);
        return (
          <g key={i}>
            <rect class="band" x={x} y={y} width={wide} height={Math.max(1, yOf(one.low) - y)} />
            <path class="mean" d={`M${x} ${yOf(one.mean)}h${wide}`} />
            {one.high > most && <path class="cut" d={`M${xOf(i) - 4} ${y + 6}l4 -4l4 4`} />}
          </g>
        );
      })}
    </>
  );
}

/** A line in its band; one day alone is still seen. */
function Estimates({ list, place }: { list: NonNullable<DayShape["estimate"]>; place: Place }): JSX.Element {
  const { xOf, yOf, slot } = place;
  const at = (i: number, value: number): string => `${xOf(i).toFixed(1)} ${yOf(value).toFixed(1)}`;
  return (
    <>
      {stretches(list).map((run) => {
        const [first, last] = [run[0]!, run.at(-1)!];
        if (run.length === 1) {
          const x = xOf(first.i) - slot / 2;
          return (
            <g key={first.i}>
              <rect
                class="band"
                x={x}
                y={yOf(first.one.high)}
                width={slot}
                height={Math.max(1, yOf(first.one.low) - yOf(first.one.high))}
              />
              <path class="mean" d={`M${x} ${yOf(first.one.mean)}h${slot}`} />
            </g>
          );
        }
        const up = run.map(({ i, one }) => at(i, one.high));
        const down = [...run].reverse().map(({ i, one }) => at(i, one.low));
        return (
          <g key={first.i}>
            <path class="band" d={`M${[...up, ...down].join("L")}Z`} />
            <path class="mean" d={`M${run.map(({ i, one }) => at(i, one.mean)).join("L")}`} />
            <circle class="end" cx={xOf(last.i)} cy={yOf(last.one.mean)} r="3.2" />
          </g>
        );
      })}
    </>
  );
}

function Bar({ x, wide, value, place, tone }: { x: number; wide: number; value: number; place: Place; tone: string }): JSX.Element {
  const y = place.yOf(value);
  const high = Math.max(0, place.yOf(0) - y);
  const inset = tone.includes("part") ? 0.75 : 0;
  return (
    <rect
      class={`bar ${tone}`}
      x={x + inset}
      y={y + inset}
      width={Math.max(0.5, wide - 2 * inset)}
      height={Math.max(0, high - inset)}
    />
  );
}

export function DayDrawing({ shape, days, past = false, width, height, chosen = -1 }: Props): JSX.Element {
  const hatch = useId();
  const { values, second, estimate, usual, points, limit, out, reference, whole = false } = shape;
  const top = whole ? 24 : 8;
  const marks = ticksOf(topOf(shape) * 1.02, Math.floor((height - bottom - top) / pixelsTick));
  const most = Math.max(topOf(shape) * 1.04, whole ? (marks.at(-1) ?? 1) : 0);
  const slot = (width - left - right) / days.length;
  const base = height - bottom;
  const place: Place = {
    slot,
    most,
    xOf: (day) => left + (day + 0.5) * slot,
    yOf: (value) => top + (1 - Math.min(value, most) / most) * (base - top),
  };
  const gap = Math.max(1, slot * 0.2);
  const last = days.length - 1;
  const bars = !shape.line;
  const latest = values.at(-1) ?? null;
  return (
    <svg class="days" viewBox={`0 0 ${width} ${height}`} width={width} height={height} aria-hidden="true">
      <defs>
        <HatchPattern id={hatch} scale={height < 120 ? 0.7 : 1} />
      </defs>
      {marks
        .filter((value) => value <= most)
        .map((value) => (
          <g key={value}>
            <path class="grid" d={`M${left} ${place.yOf(value)}H${width - right}`} />
            <text x={left - 6} y={place.yOf(value) + 4} text-anchor="end">
              {axisWords(value)}
            </text>
          </g>
        ))}
      {limit?.map((value, i) =>
        value === null ? null : (
          <rect
            key={i}
            class="band"
            x={left + i * slot}
            y={place.yOf(value)}
            width={slot + 0.3}
            height={base - place.yOf(value)}
          />
        ),
      )}
      {values.map((value, i) => {
        const x = left + i * slot + gap / 2;
        const wide = slot - gap;
        const part = i === last && !whole ? " part" : "";
        const high = out?.[i] ? " out" : "";
        return (
          <g key={days[i]} data-day={days[i]} data-value={value === null ? "unknown" : value}>
            {value === null ? (
              <rect
                class="missing"
                x={x}
                y={top}
                width={wide}
                height={base - top}
                fill={`url(#${hatch})`}
              />
            ) : !bars ? null : second ? (
              <>
                <Bar x={x} wide={wide / 2 - 0.5} value={value} place={place} tone={`light${part}`} />
                <Bar
                  x={x + wide / 2 + 0.5}
                  wide={wide / 2 - 0.5}
                  value={second[i] ?? 0}
                  place={place}
                  tone={`dark${part}`}
                />
              </>
            ) : (
              <Bar x={x} wide={wide} value={value} place={place} tone={`dark${high}${part}`} />
            )}
          </g>
        );
      })}
      <path class="axis" d={`M${left} ${base}H${width - right}`} />
      {estimate && !bars && <Estimates list={estimate} place={place} />}
      {estimate && bars && <Intervals list={estimate} place={place} />}
      {usual?.map((value, i) =>
        value === null ? null : (
          <path key={i} class="usual" d={`M${left + i * slot} ${place.yOf(value)}h${slot}`} />
        ),
      )}
      {points?.map((value, i) =>
        value === null ? null : (
          <circle key={i} class="point" cx={place.xOf(i)} cy={place.yOf(value)} r="2.4" />
        ),
      )}
      {reference !== undefined && (
        <path class="reference" d={`M${left} ${place.yOf(reference)}H${width - right}`} />
      )}
      {whole && latest !== null && (
        <text
          class="latest"
          x={width - right}
          y={place.yOf(Math.max(latest, values.at(-2) ?? 0)) - 6}
          text-anchor="end"
        >
          {count(latest)}
        </text>
      )}
      {labelled(days.length, slot).map((i) => (
        <text
          key={i}
          x={i === 0 ? left : i === last ? width - right : place.xOf(i)}
          y={height - 6}
          text-anchor={i === 0 ? "start" : i === last ? "end" : "middle"}
        >
          {i === last && !past && !whole ? t("today") : dayShort(days[i] ?? "")}
        </text>
      ))}
      {chosen >= 0 && (
        <rect
          data-screen-only
          class="chosen"
          x={left + chosen * slot}
          y={top - 2}
          width={slot}
          height={base - top + 3}
        />
      )}
    </svg>
  );
}

/** The day under the pointer, from its share of the drawing's width; −1 beside the days. */
export function dayAt(share: number, width: number, days: number): number {
  const at = Math.floor((share * width - left) / ((width - left - right) / days));
  return at >= 0 && at < days ? at : -1;
}
