// The drawing of a chain: a row a case, time from left to right. A disc is the onset, a diamond the
// first positive sample, a square the report, a heavy bar the isolation; what lies between is a
// bar, hatched where a moment is not on record. An elbow leads from a source to whom it may have
// infected, down at the moment when they were together: solid from the strongest possible source.
import type { JSX } from "preact";
import { t } from "../../catalogue.ts";
import { areaName, dayShort, secondsOf } from "../../format.ts";
import type { ChartKey } from "../../parts/chart-frame.tsx";
import { HatchKey } from "../../parts/day-chart.tsx";
import { HatchPattern } from "../../parts/icons.tsx";
import {
  delayNames,
  delaysOf,
  delayWords,
  drawnEdges,
  evidenceMark,
  firstOf,
  generationWords,
  likelyEdge,
  metAt,
  rowsOf,
  type Chain,
  type Edge,
  type Node,
} from "./chain-shape.ts";

const width = 1180;
const labelWidth = 262;
const delayWidth = 88;
const plotEnd = width - 3 * delayWidth - 14;
const headHeight = 40;
const rowHeight = 26;
const daySeconds = 86_400;
const unknownWidth = 26;

interface Scale {
  start: number;
  days: string[];
  x(time: string): number;
}

/** Whole days of the city from the first moment to the last. */
function scaleOf(chain: Chain): Scale {
  const times = chain.nodes.flatMap((node) =>
    [firstOf(node), node.recorded_at, node.held_at, node.listed_at].filter((time) => time !== null),
  );
  times.push(...chain.edges.map(metAt).filter((time) => time !== null));
  const offset = (times[0] ?? "").slice(19) || "+08:00";
  const start = secondsOf(
    `${times.reduce((a, b) => (secondsOf(b) < secondsOf(a) ? b : a)).slice(0, 10)}T00:00:00${offset}`,
  );
  const last = Math.max(...times.map(secondsOf));
  const count = Math.floor((last - start) / daySeconds) + 1;
  const ahead = secondsOf(`1970-01-01T00:00:00${offset}`);
  return {
    start,
    days: Array.from({ length: count }, (_, i) =>
      new Date((start - ahead + i * daySeconds) * 1000).toISOString().slice(0, 10),
    ),
    x: (time) =>
      labelWidth +
      ((secondsOf(time) - start) / (count * daySeconds)) * (plotEnd - labelWidth - unknownWidth),
  };
}

// ---- Marks: the same in the drawing and in its key

const Onset = ({ x, y }: { x: number; y: number }): JSX.Element => (
  <circle class="mark" cx={x} cy={y} r={4.5} />
);
const Sample = ({ x, y }: { x: number; y: number }): JSX.Element => (
  <path class="mark edge" d={`M${x} ${y - 5.5}l5.5 5.5-5.5 5.5-5.5-5.5z`} />
);
const Report = ({ x, y }: { x: number; y: number }): JSX.Element => (
  <rect class="mark open" x={x - 4} y={y - 4} width={8} height={8} />
);
const Held = ({ x, y }: { x: number; y: number }): JSX.Element => (
  <path class="held" d={`M${x} ${y - 8}v16`} />
);
const Listed = ({ x, y }: { x: number; y: number }): JSX.Element => (
  <path class="mark open" d={`M${x} ${y - 3.5}l4 7h-8z`} />
);

export const chainKeys = (): ChartKey[] => [
  { mark: <Onset x={14} y={6} />, words: t("keyOnset") },
  { mark: <Sample x={14} y={6} />, words: t("keySample") },
  { mark: <Report x={14} y={6} />, words: t("keyReport") },
  { mark: <path class="held" d="M14 0v12" />, words: t("keyHeld") },
  { mark: <Listed x={14} y={7} />, words: t("keyListed") },
  { mark: <rect class="chain-key-1" y="2" width="28" height="8" />, words: t("keyUnsampled") },
  { mark: <rect class="chain-key-2" y="2" width="28" height="8" />, words: t("keyUnreported") },
  { mark: <rect class="chain-key-3" x=".5" y="2.5" width="27" height="7" />, words: t("keyUnheld") },
  { mark: <HatchKey />, words: t("keyNoRecord") },
  { mark: <path class="chain-key-line" d="M0 6h28" />, words: t("keyLikely") },
  { mark: <path class="chain-key-line dashed" d="M0 6h28" />, words: t("keyPossible") },
  { words: t("keyWeight") },
];

// ---- Rows

function Bars({ node, scale, y }: { node: Node; scale: Scale; y: number }): JSX.Element {
  const { x } = scale;
  const first = x(firstOf(node));
  const sampled = node.sampled_at === null ? null : x(node.sampled_at);
  const reported = x(node.recorded_at);
  const held = node.held_at === null ? null : x(node.held_at);
  const bar = (from: number, to: number, name: string): JSX.Element | null =>
    to > from ? <rect class={name} x={from} y={y - 4} width={to - from} height={8} /> : null;
  return (
    <g>
      {sampled === null ? (
        bar(first, reported, "gone")
      ) : (
        <>
          {bar(first, sampled, "unsampled")}
          {bar(Math.max(first, sampled), reported, "unreported")}
        </>
      )}
      {held === null
        ? bar(reported, reported + unknownWidth, "gone")
        : bar(reported, held, "unheld")}
      {node.listed_at && <Listed x={x(node.listed_at)} y={y - 8} />}
      {node.onset_at && <Onset x={x(node.onset_at)} y={y} />}
      {sampled !== null && <Sample x={sampled} y={y} />}
      <Report x={reported} y={y} />
      {held !== null && <Held x={held} y={y} />}
    </g>
  );
}

function Elbow({
  edge,
  from,
  to,
  own,
  scale,
  yOf,
}: {
  edge: Edge;
  from: Node;
  to: Node;
  /** The case that the page is about. */
  own: number;
  scale: Scale;
  yOf(id: number): number;
}): JSX.Element {
  const met = metAt(edge);
  const end = scale.x(firstOf(to)) - 7;
  // Meetings of nearly the same moment stand on one line.
  const moment = Math.round((met ? scale.x(met) : scale.x(firstOf(from))) / 4) * 4;
  const x = Math.min(moment, end);
  const [top, bottom] = [yOf(from.id), yOf(to.id)];
  const down = bottom > top;
  // Of many that lead to the case itself, each is told apart at its own beginning.
  const atStart = to.id === own;
  const textY = atStart ? top + (down ? 12 : -5) : bottom + (down ? -4 : 12);
  return (
    <g class={edge.likely && edge.strong ? "elbow" : "elbow dashed"}>
      <circle cx={x} cy={top} r={1.8} />
      <path d={`M${x} ${top}V${bottom}H${Math.max(x, end)}`} />
      <path class="arrow" d={`M${Math.max(x, end) + 1} ${bottom}l-6 -3.2v6.4z`} />
      <text x={x + 4} y={textY}>
        {evidenceMark(edge)}
      </text>
    </g>
  );
}

/** Long names end in …; Han are as wide as two of others. */
function cut(text: string, han: number): string {
  let room = han * 2;
  let out = "";
  for (const letter of text) {
    room -= letter > "\u2e7f" ? 2 : 1;
    if (room < 0) return `${out}…`;
    out += letter;
  }
  return out;
}

export function ChainDrawing({
  chain,
  own,
  label,
  onOpen,
}: {
  chain: Chain;
  own: number;
  label: string;
  onOpen(id: number): void;
}): JSX.Element {
  const rows = rowsOf(chain);
  const scale = scaleOf(chain);
  const height = headHeight + rows.length * rowHeight + 6;
  const yOf = (id: number): number =>
    headHeight + rows.findIndex((node) => node.id === id) * rowHeight + rowHeight / 2;
  const dayWidth = (plotEnd - labelWidth - unknownWidth) / scale.days.length;
  const step = Math.ceil(38 / dayWidth);
  const nodeOf = (id: number): Node | undefined => rows.find((node) => node.id === id);
  return (
    <div class="scroll-x" tabIndex={0} role="group" aria-label={label}>
      <svg class="lanes chain" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
        <defs>
          <HatchPattern id="chain-hatch" />
        </defs>
        <text x={labelWidth - 10} y={16} text-anchor="end">
          {t("thGeneration")}
        </text>
        {scale.days.map((day, i) => {
          const x = labelWidth + i * dayWidth;
          return (
            <g key={day}>
              <path class="grid" d={`M${x} ${headHeight - 8}V${height}`} />
              {i % step === 0 && (
                <text x={x + 2} y={headHeight - 14}>
                  {dayShort(day)}
                </text>
              )}
            </g>
          );
        })}
        <path
          class="grid"
          d={`M${plotEnd - unknownWidth} ${headHeight - 8}V${height}`}
        />
        {delayNames.map((name, i) => (
          <text
            key={name}
            x={width - (2 - i) * delayWidth}
            y={headHeight - 14}
            text-anchor="end"
          >
            {t(`delay_${name}`)}
          </text>
        ))}
        <text x={width} y={12} text-anchor="end">
          {t("chainUnit")}
        </text>
        {rows.map((node, row) => {
          const y = headHeight + row * rowHeight;
          const changed = rows[row - 1]?.generation !== node.generation;
          return (
            <g key={node.id}>
              {node.id === own && (
                <rect class="own" x={0} y={y} width={width} height={rowHeight} />
              )}
              <path class={changed ? "grid heavy" : "grid"} d={`M0 ${y}H${width}`} />
            </g>
          );
        })}
        {drawnEdges(chain, own).map((edge) => {
          const [from, to] = [nodeOf(edge.from), nodeOf(edge.to)];
          return from && to ? (
            <Elbow
              key={`${edge.from}-${edge.to}`}
              edge={edge}
              from={from}
              to={to}
              own={own}
              scale={scale}
              yOf={yOf}
            />
          ) : null;
        })}
        {rows.map((node, row) => {
          const y = headHeight + row * rowHeight + rowHeight / 2;
          const delays = delaysOf(node);
          const changed = rows[row - 1]?.generation !== node.generation;
          return (
            <g key={node.id} data-row={node.id}>
              <text class={node.id === own ? "venue strong" : "venue"} x={4} y={y + 4}>
                {cut(
                  `${t("caseNumber", { id: node.id })} ${node.name ?? t("nameHidden")} ${areaName(node.area)}`,
                  13,
                )}
              </text>
              {changed && (
                <text x={labelWidth - 10} y={y + 4} text-anchor="end">
                  {generationWords(node.generation)}
                </text>
              )}
              <Bars node={node} scale={scale} y={y} />
              {delayNames.map((name, i) => (
                <text
                  key={name}
                  class={delays[name] === null ? "none" : "number"}
                  x={width - (2 - i) * delayWidth}
                  y={y + 4}
                  text-anchor="end"
                >
                  {delayWords(delays[name])}
                </text>
              ))}
              {node.generation > 0 && !likelyEdge(chain, node.id) && node.likely_source !== null && (
                <title>{t("chainElsewhere", { id: node.likely_source })}</title>
              )}
              {node.id !== own && (
                <rect
                  class="row-hit"
                  data-screen-only
                  x={0}
                  y={y - rowHeight / 2}
                  width={width}
                  height={rowHeight}
                  onClick={() => onOpen(node.id)}
                />
              )}
            </g>
          );
        })}
      </svg>
    </div>
  );
}
