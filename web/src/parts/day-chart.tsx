// One small chart of 14 days: bars by uPlot's scales and axes. A day that is not on record is hatched
// over its whole height and never 0; today is an outline, because it is not over. The left and right
// keys read the days one by one; a table of the same values stands beside it for screen readers.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { t } from "../catalogue.ts";
import { clock, count, dayLong, dayShort, weekday } from "../format.ts";
import { settings } from "../settings.ts";

interface Props {
  title: string;
  name: string;
  days: readonly string[];
  values: readonly (number | null)[];
  asOf: string;
  door?: ComponentChildren;
}

interface Colours {
  bar: string;
  text: string;
  grid: string;
  axis: string;
  hatch: string;
  chosen: string;
  font: string;
}

function readColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string): string => style.getPropertyValue(name).trim();
  return {
    bar: of("--d1"), text: of("--ink-2"), grid: of("--line"), axis: of("--line-2"),
    hatch: of("--hatch"), chosen: of("--accent"), font: `12px ${of("--font")}`,
  };
}

function drawHatch(context: CanvasRenderingContext2D, colours: Colours,
  x: number, y: number, width: number, height: number, step: number): void {
  context.save();
  context.beginPath();
  context.rect(x, y, width, height);
  context.clip();
  context.strokeStyle = colours.hatch;
  context.lineWidth = Math.max(1, step / 5);
  context.beginPath();
  for (let at = x - height; at < x + width; at += step) {
    context.moveTo(at, y + height);
    context.lineTo(at + height, y);
  }
  context.stroke();
  context.restore();
  context.strokeStyle = colours.axis;
  context.lineWidth = 1;
  context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
}

/** Draws the bars of all days onto the plot. */
function drawBars(plot: uPlot, values: readonly (number | null)[], chosen: number, colours: Colours): void {
  const context = plot.ctx;
  const pixels = devicePixelRatio;
  const { left, top, width, height } = plot.bbox;
  const slot = width / values.length;
  const gap = Math.max(1, Math.round(slot * 0.16));
  context.save();
  values.forEach((value, i) => {
    const x = Math.round(left + i * slot + gap / 2);
    const wide = Math.round(slot - gap);
    const last = i === values.length - 1;
    if (value === null) {
      drawHatch(context, colours, x, top, wide, height, 5 * pixels);
    } else {
      const y = Math.round(plot.valToPos(value, "y", true));
      const high = Math.round(top + height) - y;
      context.lineWidth = 1.5 * pixels;
      context.strokeStyle = context.fillStyle = colours.bar;
      if (last && high) context.strokeRect(x + pixels, y + pixels, wide - 2 * pixels, high - pixels);
      else context.fillRect(x, y, wide, high);
    }
    if (i === chosen) {
      context.strokeStyle = colours.chosen;
      context.lineWidth = 2 * pixels;
      context.strokeRect(x - pixels, top, wide + 2 * pixels, height);
    }
  });
  context.restore();
}

function optionsOf(width: number, height: number, days: readonly string[],
  draw: (plot: uPlot) => void, colours: Colours): uPlot.Options {
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
      y: { range: (_, __, max) => [0, Math.max(1, max) * 1.06] },
    },
    series: [{}, { paths: () => null, points: { show: false } }],
    axes: [
      {
        ...axis, size: 22, gap: 4, grid: { show: false },
        splits: () => [...labels].filter((i) => i >= 0),
        values: (_, at) => at.map((i) => (i === days.length - 1 ? t("today") : dayShort(days[i] ?? ""))),
      },
      {
        ...axis, size: 40, gap: 4, space: 34, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3,
          1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 2e6, 5e6, 1e7],
        grid: { stroke: colours.grid, width: 1 },
        values: (_, at) => at.map((value) => (value >= 1e4 ? `${value / 1e3}k` : count(value))),
      },
    ],
    hooks: { draw: [draw] },
  };
}

export function DayChart({ title, name, days, values, asOf, door }: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [chosen, setChosen] = useState(-1);
  const state = useRef({ values, chosen });
  state.current = { values, chosen };
  const theme = settings.theme;
  const language = settings.language;

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const colours = readColours();
    const draw = (made: uPlot): void => drawBars(made, state.current.values, state.current.chosen, colours);
    const size = (): { width: number; height: number } =>
      ({ width: Math.max(180, element.clientWidth), height: element.clientHeight });
    const { width, height } = size();
    const made = new uPlot(optionsOf(width, height, days, draw, colours),
      [days.map((_, i) => i), [...values]], element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize(size()));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [days.join(), theme, language]);

  useEffect(() => {
    plot.current?.setData([days.map((_, i) => i), [...values]]);
  }, [values.join()]);
  useEffect(() => plot.current?.redraw(false), [chosen]);

  const wordsOf = (i: number): string => {
    const value = values[i] ?? null;
    return value === null ? t("unknown") : count(value);
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
      <figcaption><h3>{title}</h3></figcaption>
      <div ref={box} class="plot" tabIndex={0} role="img" aria-label={`${title}. ${t("chartKeys")}`}
        onKeyDown={onKey} onMouseMove={readAt} onMouseLeave={() => setChosen(-1)} onBlur={() => setChosen(-1)} />
      <p class="readout">
        <span role="status">
          {day ? t("readout", { day: dayLong(day), weekday: weekday(day), value: wordsOf(chosen) }) : ""}
        </span>
        {door}
      </p>
      <p class="foot">
        {t("footToday", { time: clock(asOf) })}
        {missing && <><br /><i class="hatched hatch-key" aria-hidden="true" /> {t("footHatch")}</>}
      </p>
      <div class="sr">
        <table>
          <caption>{title}</caption>
          <tbody>
            {days.map((date, i) => (
              <tr key={date}><th scope="row">{dayLong(date)}</th><td>{wordsOf(i)}</td></tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}
