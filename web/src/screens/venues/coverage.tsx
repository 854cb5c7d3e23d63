// Coverage: categories against areas, filled by the share in use. Every cell is a door to the list
// behind it. One stop for Tab; arrows move between cells, Enter opens.
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { t } from "../../catalogue.ts";
import { areaName, count } from "../../format.ts";
import { ChartFrame, type ChartKey } from "../../parts/chart-frame.tsx";
import { HatchKey } from "../../parts/day-chart.tsx";
import { Icon, IconShape } from "../../parts/icons.tsx";
import { follow } from "../../router.ts";
import { addressOf, type Narrowing } from "./address.ts";
import { HeatDrawing } from "./heat-drawing.tsx";
import {
  categoryWords,
  columnsOf,
  fillOf,
  heatTitle,
  rowsOf,
  shareOf,
  shareSteps,
  shareText,
  sheetOf,
  sumOf,
  type Coverage,
  type Sum,
} from "./figures.ts";

interface Props {
  coverage: Coverage;
  narrowing: Narrowing;
  onDoor(): void;
}

/** What is seen are two figures; what is heard is a sentence around them. */
function Figure({ category, area, sum }: { category: string; area: string; sum: Sum }): JSX.Element {
  const share = shareOf(sum.registered, sum.inUse);
  return (
    <>
      <span class="sr">{t("cellWhere", { category, area })}</span>
      {share !== null ? <b>{shareText(share)}</b> : <b class="none-text">{t("unknown")}</b>}
      <span class="sr">{t("cellOf")}</span>
      <span class="of">
        {sum.suspected > 0 && (
          <span class="late copied">
            <span class="sr">{t("venue_suspected")}</span>
            <Icon name="late" />
            {sum.suspected}
          </span>
        )}
        {count(sum.registered)}
      </span>
      {sum.silent !== null && <span class="sr">{t("cellSilent", { silent: count(sum.silent) })}</span>}
    </>
  );
}

const fillClass = (sum: Sum): string => {
  const share = shareOf(sum.registered, sum.inUse);
  return share === null ? "hatched" : fillOf(share);
};

function keysOf(coverage: Coverage): ChartKey[] {
  const [high, middle, low] = shareSteps;
  const steps = [
    `≥${shareText(high)}`,
    `${middle * 100}–${shareText(high)}`,
    `${low * 100}–${shareText(middle)}`,
    `<${shareText(low)}`,
  ];
  return [
    { words: t("heatLegend", { hours: coverage.in_use_hours }) },
    ...steps.map((words, i) => ({
      mark: <rect class={`fill m${i}`} x=".5" y=".5" width="27" height="11" />,
      words,
    })),
    { mark: <HatchKey />, words: t("heatUnknown") },
    {
      mark: (
        <g class="copied" transform="translate(8) scale(.75)">
          <IconShape name="late" />
        </g>
      ),
      words: t("heatSuspected", { days: coverage.suspected_days }),
    },
  ];
}

/** Arrows between the cells of the table; the first cell is the stop until another was reached. */
function useCells(): {
  onKeyDown(event: KeyboardEvent): void;
  stop: string;
  onFocus(key: string): void;
  root: preact.RefObject<HTMLTableElement>;
} {
  const root = useRef<HTMLTableElement>(null);
  const [stop, setStop] = useState("0 0");
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps: Record<string, [number, number]> = {
      ArrowRight: [0, 1],
      ArrowLeft: [0, -1],
      ArrowDown: [1, 0],
      ArrowUp: [-1, 0],
    };
    const step = steps[event.key];
    const key = (event.target as HTMLElement).dataset["cell"];
    if (!step || !key || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    let [row, column] = key.split(" ").map(Number) as [number, number];
    for (let tries = 0; tries < 400; tries++) {
      row += step[0];
      column += step[1];
      if (row < 0 || column < 0) return;
      const next = root.current?.querySelector<HTMLElement>(`[data-cell="${row} ${column}"]`);
      if (next) {
        next.focus();
        return;
      }
      if (!root.current?.querySelector(`[data-place="${row} ${column}"]`)) return;
    }
  };
  return { onKeyDown, stop, onFocus: setStop, root };
}

export function CoverageTable({ coverage, narrowing, onDoor }: Props): JSX.Element {
  const cells = useCells();
  const areas = columnsOf(coverage);
  const rows = rowsOf(coverage);
  const own = coverage.areas.at(-1)?.code ?? "";

  const door = (row: number, column: number, sum: Sum, category: string, area: string, name: string): JSX.Element => {
    const key = `${row} ${column}`;
    const chosen = narrowing.category === category && narrowing.area === area;
    return (
      <a
        class={`cell ${fillClass(sum)}`}
        href={addressOf("/venues", { ...narrowing, category, area, state: "", name: "" })}
        data-cell={key}
        data-place={key}
        tabIndex={cells.stop === key ? 0 : -1}
        aria-current={chosen ? "true" : undefined}
        onFocus={() => cells.onFocus(key)}
        onClick={(event) => {
          follow(event);
          onDoor();
        }}
      >
        <Figure
          category={category ? categoryWords(category) : t("categoryAll")}
          area={name}
          sum={sum}
        />
      </a>
    );
  };
  const line = (row: number, category: string, sums: (Sum | null)[], whole: Sum): JSX.Element => (
    <tr key={category || "all"} class={category ? undefined : "whole"}>
      <th scope="row">{category ? categoryWords(category) : t("categoryAll")}</th>
      <td class="right register">
        {whole.units === null ? (
          <span class="none hatched">
            <span class="none-text">{t("unknown")}</span>
          </span>
        ) : (
          `${count(whole.coded)} / ${count(whole.units)}`
        )}
      </td>
      <td>{door(row, 0, whole, category, narrowing.of, t("venueAreas"))}</td>
      {sums.map((sum, i) => {
        const area = areas[i]!;
        const place = `${row} ${i + 1}`;
        if (!sum)
          return (
            <td key={area.code} class="empty-cell" data-place={place}>
              <span class="sr">{t("cellNone")}</span>
            </td>
          );
        return (
          <td key={area.code}>{door(row, i + 1, sum, category, area.code, areaName(area))}</td>
        );
      })}
    </tr>
  );
  const columnSum = (code: string): Sum | null => {
    const found = coverage.items.filter((cell) => cell.area === code);
    return found.length ? sumOf(found) : null;
  };
  return (
    <ChartFrame
      name="coverage"
      className="coverage"
      what={t("whatCoverage")}
      heading="h2"
      title={heatTitle(coverage)}
      about={areaName(coverage.areas.at(-1) ?? null)}
      asOf={coverage.true_for}
      complete={t("cellsKnown", {
        cells: coverage.items.length,
        known: coverage.items.filter((cell) => cell.in_use !== null).length,
      })}
      sheet={sheetOf(coverage)}
      keys={keysOf(coverage)}
      keysAbove
      picture={() => <HeatDrawing coverage={coverage} />}
    >
      <div class="scroll-x" tabIndex={0} role="region" aria-label={t("coverageLabel")}>
        <table class="heat" ref={cells.root} onKeyDown={cells.onKeyDown}>
          <thead>
            <tr>
              <th scope="col">{t("thCategory")}</th>
              <th scope="col" class="right">
                {t("thRegister")}
              </th>
              <th scope="col">{t("thWhole")}</th>
              {areas.map((area) => (
                <th key={area.code} scope="col">
                  {area.code === own ? (
                    areas.length > 1 ? (
                      t("areaDirect")
                    ) : (
                      areaName(area)
                    )
                  ) : (
                    <a
                      href={addressOf("/venues", { ...narrowing, of: area.code, area: area.code, category: "" })}
                      onClick={follow}
                    >
                      {areaName(area)}
                    </a>
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {line(
              0,
              "",
              areas.map((area) => columnSum(area.code)),
              sumOf(coverage.items),
            )}
            {rows.map((row, i) =>
              line(
                i + 1,
                row.category,
                areas.map((area) => {
                  const cell = row.cells.get(area.code);
                  return cell ? sumOf([cell]) : null;
                }),
                row.sum,
              ),
            )}
          </tbody>
        </table>
      </div>
      <p class="quiet">{t("registerNote")}</p>
    </ChartFrame>
  );
}
