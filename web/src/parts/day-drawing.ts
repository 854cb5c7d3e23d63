// How the days of a chart are drawn onto uPlot's canvas: bars, two bars side by side, or a line in its
// band. A day that is not on record is hatched over its whole height; today's bar is an outline.
import type uPlot from "uplot";

export interface Colours {
  bar: string;
  light: string;
  band: string;
  ground: string;
  text: string;
  grid: string;
  axis: string;
  hatch: string;
  chosen: string;
  font: string;
}

export function readColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string): string => style.getPropertyValue(name).trim();
  return {
    bar: of("--d1"),
    light: of("--d2"),
    band: of("--band"),
    ground: of("--bg"),
    text: of("--ink-2"),
    grid: of("--line"),
    axis: of("--line-2"),
    hatch: of("--hatch"),
    chosen: of("--accent"),
    font: `12px ${of("--font")}`,
  };
}

function drawHatch(
  context: CanvasRenderingContext2D,
  colours: Colours,
  x: number,
  y: number,
  width: number,
  height: number,
  step: number,
): void {
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

/** What a day is drawn as. `second`: a lighter bar beside the first; `band`: the first is a line
 *  inside it. */
export interface DayShape {
  values: readonly (number | null)[];
  second?: readonly (number | null)[] | undefined;
  band?: readonly (Range | null)[] | undefined;
}

export interface Range {
  low: number;
  high: number;
}

interface Slot {
  x: number;
  wide: number;
  last: boolean;
}

function drawBar(plot: uPlot, { x, wide, last }: Slot, value: number, colour: string): void {
  const context = plot.ctx;
  const pixels = devicePixelRatio;
  const { top, height } = plot.bbox;
  const y = Math.round(plot.valToPos(value, "y", true));
  const high = Math.round(top + height) - y;
  context.lineWidth = 1.5 * pixels;
  context.strokeStyle = context.fillStyle = colour;
  if (last && high) context.strokeRect(x + pixels, y + pixels, wide - 2 * pixels, high - pixels);
  else context.fillRect(x, y, wide, high);
}

/** Days that follow one another, each known: a gap breaks band and line, and is never bridged. */
function runsOf(band: readonly (Range | null)[]): number[][] {
  const runs: number[][] = [];
  band.forEach((range, i) => {
    if (!range) return;
    const run = runs.at(-1);
    if (run && run.at(-1) === i - 1) run.push(i);
    else runs.push([i]);
  });
  return runs;
}

function drawBand(plot: uPlot, shape: DayShape, colours: Colours): void {
  const context = plot.ctx;
  const pixels = devicePixelRatio;
  const { left, width } = plot.bbox;
  const slot = width / shape.values.length;
  const xOf = (i: number): number => left + (i + 0.5) * slot;
  const yOf = (value: number): number => plot.valToPos(value, "y", true);
  for (const run of runsOf(shape.band ?? [])) {
    const ranges = run.map((i) => shape.band?.[i] ?? { low: 0, high: 0 });
    context.fillStyle = colours.band;
    context.beginPath();
    run.forEach((i, k) => context.lineTo(xOf(i), yOf(ranges[k]!.high)));
    [...run].reverse().forEach((i, k) => {
      context.lineTo(xOf(i), yOf(ranges[run.length - 1 - k]!.low));
    });
    context.fill();
    context.strokeStyle = context.fillStyle = colours.chosen;
    context.lineWidth = 2 * pixels;
    context.beginPath();
    run.forEach((i) => context.lineTo(xOf(i), yOf(shape.values[i] ?? 0)));
    context.stroke();
    const end = run.at(-1)!;
    context.beginPath();
    context.arc(xOf(end), yOf(shape.values[end] ?? 0), 3.5 * pixels, 0, 2 * Math.PI);
    context.fill();
  }
  // Above one each case infects more than one other: the line that the eye looks for.
  context.strokeStyle = colours.text;
  context.lineWidth = pixels;
  context.setLineDash([2 * pixels, 3 * pixels]);
  context.beginPath();
  context.moveTo(left, yOf(1));
  context.lineTo(left + width, yOf(1));
  context.stroke();
  context.setLineDash([]);
}

/** Draws all days onto the plot. */
export function drawDays(plot: uPlot, shape: DayShape, chosen: number, colours: Colours): void {
  const context = plot.ctx;
  const pixels = devicePixelRatio;
  const { left, top, width, height } = plot.bbox;
  const { values, second, band } = shape;
  const slot = width / values.length;
  const gap = Math.max(1, Math.round(slot * 0.16));
  context.save();
  values.forEach((value, i) => {
    const x = Math.round(left + i * slot + gap / 2);
    const wide = Math.round(slot - gap);
    const last = i === values.length - 1;
    const half = Math.floor(wide / 2);
    if (value === null) {
      drawHatch(context, colours, x, top, wide, height, 5 * pixels);
    } else if (second) {
      drawBar(plot, { x, wide: half, last }, value, colours.light);
      drawBar(plot, { x: x + half, wide: wide - half, last }, second[i] ?? 0, colours.bar);
    } else if (!band) {
      drawBar(plot, { x, wide, last }, value, colours.bar);
    }
    if (i === chosen) {
      context.strokeStyle = colours.chosen;
      context.lineWidth = 2 * pixels;
      context.strokeRect(x - pixels, top, wide + 2 * pixels, height);
    }
  });
  if (band) drawBand(plot, shape, colours);
  context.restore();
}
