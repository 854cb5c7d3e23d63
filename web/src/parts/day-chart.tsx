// One small chart of 14 days: bars by uPlot's scales and axes. A day that is not on record is
// hatched over its whole height and never 0; today is an outline, because it is not over. The left
// and right keys read the days one by one; a table of the same values stands beside it for screen
// readers.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { t } from "../catalogue.ts";
import { clock, count, dayLong, dayShort, weekday } from "../format.ts";
import { settings } from "../settings.ts";
import { drawDays, readColours, type Colours, type DayShape } from "./day-drawing.ts";

interface Props extends DayShape {
  title: string;
  name: string;
  days: readonly string[];
  asOf: string;
  /** The last day is the day of another time. */
  past?: boolean;
  door?: ComponentChildren;
  /** A day in words, where its value alone says too little. */
  wordsOf?(day: number): string;
  /** What stands below instead of the words about today. */
  foot?: string;
}

function optionsOf(
  width: number,
  height: number,
  days: readonly string[],
  past: boolean,
  top: () => number,
  draw: (plot: uPlot) => void,
  colours: Colours,
): uPlot.Options {
  const narrow = width < 220;
  const labels = new Set([0, narrow ? -1 : 6, days.length - 1]);
  const axis = { stroke: colours.text, font: colours.font, ticks: { show: false } };
  return {
    width,
    height,
    legend: { show: false },
    cursor: { show: false },
    padding: [8, 14, 0, 0],
    scales: {
      x: { time: false, range: [-0.5, days.length - 0.5] },
      y: { range: () => [0, Math.max(1, top()) * 1.06] },
    },
    series: [{}, { paths: () => null, points: { show: false } }],
    axes: [
      {
        ...axis,
        size: 22,
        gap: 4,
        grid: { show: false },
        splits: () => [...labels].filter((i) => i >= 0),
        values: (_, at) =>
          at.map((i) => (i === days.length - 1 && !past ? t("today") : dayShort(days[i] ?? ""))),
      },
      {
        ...axis,
        size: 40,
        gap: 4,
        space: 34,
        incrs: [
          1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6,
          5e6, 1e7,
        ],
        grid: { stroke: colours.grid, width: 1 },
        values: (_, at) => at.map((value) => (value >= 1e4 ? `${value / 1e3}k` : count(value))),
      },
    ],
    hooks: { draw: [draw] },
  };
}

/** The highest thing drawn. */
const topOf = ({ values, second, band }: DayShape): number =>
  Math.max(
    ...[...values, ...(second ?? [])].map((value) => value ?? 0),
    ...(band ?? []).map((range) => range?.high ?? 0),
  );

export function DayChart(props: Props): JSX.Element {
  const { title, name, days, values, second, band, asOf, past = false, door, foot } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [chosen, setChosen] = useState(-1);
  const shape = { values, second, band };
  const state = useRef({ shape, chosen });
  state.current = { shape, chosen };
  const drawn = JSON.stringify(shape);
  const theme = settings.theme;
  const language = settings.language;

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const colours = readColours();
    const draw = (made: uPlot): void =>
      drawDays(made, state.current.shape, state.current.chosen, colours);
    const size = (): { width: number; height: number } => ({
      width: Math.max(180, element.clientWidth),
      height: element.clientHeight,
    });
    const { width, height } = size();
    const made = new uPlot(
      optionsOf(width, height, days, past, () => topOf(state.current.shape), draw, colours),
      [days.map((_, i) => i), [...values]],
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize(size()));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [days.join(), past, theme, language]);

  useEffect(() => {
    plot.current?.setData([days.map((_, i) => i), [...values]]);
  }, [drawn]);
  useEffect(() => plot.current?.redraw(false), [chosen]);

  const wordsOf = (i: number): string => {
    const value = values[i] ?? null;
    if (value === null) return t("unknown");
    return props.wordsOf ? props.wordsOf(i) : count(value);
  };
  const readAt = (event: MouseEvent): void => {
    const made = plot.current;
    if (!made) return;
    const rect = made.over.getBoundingClientRect();
    const at = Math.floor(((event.clientX - rect.left) / rect.width) * days.length);
    setChosen(at >= 0 && at < days.length ? at : -1);
  };
  const onKey = (event: KeyboardEvent): void => {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1 };
    const step = steps[event.key];
    if (step === undefined) return;
    const from = chosen < 0 ? (step > 0 ? -1 : days.length) : chosen;
    setChosen(Math.max(0, Math.min(days.length - 1, from + step)));
    event.preventDefault();
  };

  const missing = values.some((value) => value === null);
  const day = days[chosen];
  return (
    <figure class="chart" data-chart={name}>
      <figcaption>
        <h3>{title}</h3>
      </figcaption>
      <div
        ref={box}
        class="plot"
        tabIndex={0}
        role="img"
        aria-label={`${title}. ${t("chartKeys")}`}
        onKeyDown={onKey}
        onMouseMove={readAt}
        onMouseLeave={() => setChosen(-1)}
        onBlur={() => setChosen(-1)}
      />
      <div class="below">
        <p class="readout" role="status">
          {day
            ? t("readout", { day: dayLong(day), weekday: weekday(day), value: wordsOf(chosen) })
            : ""}
        </p>
        {!day && (
          <p class="foot">
            {foot ?? t(past ? "footThen" : "footToday", { time: clock(asOf) })}{" "}
            {missing && (
              <>
                <i class="hatched hatch-key" aria-hidden="true" /> {t("footHatch")}
              </>
            )}
          </p>
        )}
        {door}
      </div>
      <div class="sr">
        <table>
          <caption>{title}</caption>
          <tbody>
            {days.map((date, i) => (
              <tr key={date}>
                <th scope="row">{dayLong(date)}</th>
                <td>{wordsOf(i)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}
