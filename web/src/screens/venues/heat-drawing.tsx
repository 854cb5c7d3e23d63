// The heat table as a drawing, for files: on the page it is a table whose cells are doors.
import type { JSX } from "preact";
import { useId } from "preact/hooks";
import { t } from "../../catalogue.ts";
import { areaName, count } from "../../format.ts";
import { HatchPattern } from "../../parts/icons.tsx";
import {
  categoryWords,
  columnsOf,
  fillOf,
  rowsOf,
  shareOf,
  shareText,
  sumOf,
  type Coverage,
  type Sum,
} from "./figures.ts";

const labelWidth = 190;
const cellWidth = 104;
const cellHeight = 30;
const headHeight = 26;

function Cell({ x, y, sum, hatch }: { x: number; y: number; sum: Sum; hatch: string }): JSX.Element {
  const share = shareOf(sum.registered, sum.inUse);
  return (
    <>
      <rect
        class={`fill ${share === null ? "" : fillOf(share)}`}
        x={x + 1}
        y={y + 1}
        width={cellWidth - 2}
        height={cellHeight - 2}
        {...(share === null && { fill: `url(#${hatch})` })}
      />
      {share === null && (
        <rect class="ground" x={x + 6} y={y + 7} width={t("unknown").length > 4 ? 58 : 30} height="17" />
      )}
      <text class="strong" x={x + 9} y={y + 20}>
        {share === null ? t("unknown") : shareText(share)}
      </text>
      <text x={x + cellWidth - 8} y={y + 20} text-anchor="end">
        {sum.suspected ? `▲${sum.suspected} ` : ""}
        {count(sum.registered)}
      </text>
    </>
  );
}

export function HeatDrawing({ coverage }: { coverage: Coverage }): JSX.Element {
  const hatch = useId();
  const areas = columnsOf(coverage);
  const rows = rowsOf(coverage);
  const own = coverage.areas.at(-1)?.code;
  const width = labelWidth + (areas.length + 1) * cellWidth;
  const height = headHeight + (rows.length + 1) * cellHeight;
  const columnSum = (code: string): Sum | null => {
    const found = coverage.items.filter((cell) => cell.area === code);
    return found.length ? sumOf(found) : null;
  };
  const lines = [
    { words: t("categoryAll"), sums: [sumOf(coverage.items), ...areas.map(({ code }) => columnSum(code))] },
    ...rows.map((row) => ({
      words: categoryWords(row.category),
      sums: [
        row.sum,
        ...areas.map(({ code }) => {
          const cell = row.cells.get(code);
          return cell ? sumOf([cell]) : null;
        }),
      ],
    })),
  ];
  const heads = [
    t("thWhole"),
    ...areas.map((area) =>
      area.code === own && areas.length > 1 ? t("areaDirect") : areaName(area),
    ),
  ];
  return (
    <svg class="days heat-drawing" viewBox={`0 0 ${width} ${height}`} width={width} height={height}>
      <defs>
        <HatchPattern id={hatch} />
      </defs>
      {heads.map((words, i) => (
        <text key={words} x={labelWidth + i * cellWidth + 4} y={headHeight - 9}>
          {words.length > 14 ? `${words.slice(0, 13)}…` : words}
        </text>
      ))}
      {lines.map(({ words, sums }, row) => (
        <g key={words}>
          <text class={row ? "" : "strong"} x="0" y={headHeight + row * cellHeight + 20}>
            {words}
          </text>
          {sums.map((sum, i) =>
            sum ? (
              <Cell
                key={i}
                sum={sum}
                hatch={hatch}
                x={labelWidth + i * cellWidth}
                y={headHeight + row * cellHeight}
              />
            ) : null,
          )}
        </g>
      ))}
    </svg>
  );
}
