// The one frame of all charts: a title that is a sentence, the drawing, the time for which it is true, how
// complete it is, what its marks mean, and a quiet menu "table | SVG | PNG | CSV".
//
// How it is used: give `sheet`, the numbers of the chart as rows (parts/sheet.ts), and as children
// the drawing, one <svg> that gets its colours from the page's style sheets. That is all: the table,
// the CSV and both pictures follow. A drawing that is no <svg> on the page, or one that is small there,
// gives `picture`, which draws the <svg> for the file. What is for the page only (the chosen day, what
// takes the mouse) carries data-screen-only. Missing is null in the sheet and hatched in the drawing.
//
//   <ChartFrame name="gantt" what={t("ganttName")} title={…} about={t("caseNo", { id })} asOf={time}
//     complete={t("…")} sheet={{ columns: [{ words: t("thDay"), kind: "day" }, …], rows }}>
//     <svg viewBox="0 0 800 300">…</svg>
//   </ChartFrame>
//
// A download holds what the page shows and nothing more: who masks in the sheet and in the drawing has
// masked the files.
import { render, type ComponentChildren, type JSX } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import { t } from "../catalogue.ts";
import { pngOf, save, standAlone, type PictureWords } from "./picture.ts";
import { cellWords, csvOf, dateWords, timeWords, type Sheet } from "./sheet.ts";

/** Whether the city is a demo: files say so. Set once it is known. */
export const chartCity = { demo: false };

export interface ChartKey {
  /** What is drawn into 28 × 12 beside the words; without it they are a remark. */
  mark?: JSX.Element | undefined;
  words: string;
}

export interface FrameProps {
  /** For machines: data-chart, and the file's name where `what` has none. */
  name: string;
  /** What is drawn, in a few words: the file is called by it. */
  what: string;
  /** A sentence that says what the chart shows. */
  title: string;
  heading?: "h2" | "h3";
  /** The id of the heading. */
  id?: string;
  /** Which area, venue or case: in the file's name and on the picture. */
  about: string;
  /** For when it is true; null where that is not known, "" where it is of no moment. */
  asOf: string | null;
  /** How complete it is, in a few words: "12 of 14 days on record". */
  complete: string;
  sheet: Sheet;
  keys?: readonly ChartKey[];
  /** The key stands above the drawing: for tall ones. */
  keysAbove?: boolean;
  picture?(): JSX.Element;
  /** Stands in place of the foot while a part of the drawing is read. */
  readout?: string;
  door?: ComponentChildren;
  className?: string;
  children: ComponentChildren;
}

export const Mark = ({ children }: { children: ComponentChildren }): JSX.Element => (
  <svg class="days key-mark" viewBox="0 0 28 12" width="28" height="12" aria-hidden="true">
    {children}
  </svg>
);

/** The tables that are short enough to be there always, for those who cannot see a drawing. */
const alwaysRows = 40;

function Table({ sheet, title }: { sheet: Sheet; title: string }): JSX.Element {
  const { columns, rows } = sheet;
  const numbers = columns.map((_, i) => rows.some((row) => typeof row[i] === "number"));
  return (
    <table>
      <caption class="sr">{title}</caption>
      <thead>
        <tr>
          {columns.map(({ words }, i) => (
            <th key={i} scope="col" class={numbers[i] ? "right" : ""}>
              {words}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, k) => (
          <tr key={k}>
            {row.map((cell, i) =>
              i === 0 ? (
                <th key={i} scope="row">
                  {cellWords(cell, columns[i]!)}
                </th>
              ) : (
                <td key={i} class={`${numbers[i] ? "right" : ""} ${cell === null ? "dim" : ""}`}>
                  {cellWords(cell, columns[i]!)}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const fileName = ({ what, name, about, asOf }: FrameProps, kind: string): string => {
  const time = asOf === null ? t("unknown") : dateWords(asOf).replace(/[-:]/g, "");
  const words = [what || name, about, time].filter(Boolean).join("_").replace(/[\\/:*?"<>|\s\p{C}]+/gu, "-");
  return `${[...words].slice(0, 100).join("")}.${kind}`;
};

/** `say`: how the time is written. */
const timeLine = ({ asOf, complete }: FrameProps, say: (time: string) => string): string =>
  [
    asOf === null ? t("chartAsOfUnknown") : asOf && t("chartAsOf", { time: say(asOf) }),
    complete,
  ]
    .filter(Boolean)
    .join(" · ");

function Keys({ keys }: { keys: readonly ChartKey[] }): JSX.Element {
  return (
    <>
      {keys.map(({ mark, words }) => (
        <span class="key" data-key key={words}>
          {mark && <Mark>{mark}</Mark>}
          {words}
        </span>
      ))}
    </>
  );
}

/** Draws what is only in the file beside the page, long enough to be copied. */
function withDrawing<T>(props: FrameProps, figure: HTMLElement, act: (drawing: SVGSVGElement) => T): T {
  const aside = document.createElement("div");
  aside.className = "chart-aside";
  try {
    if (props.picture) {
      figure.append(aside);
      render(props.picture(), aside);
    }
    const within = props.picture ? aside : figure.querySelector(".drawing-of");
    const drawing = within?.querySelector("svg");
    if (!drawing) throw new Error("no drawing");
    return act(drawing);
  } finally {
    render(null, aside);
    aside.remove();
  }
}

function wordsOf(props: FrameProps, figure: HTMLElement): PictureWords {
  const marks = [...figure.querySelectorAll<HTMLElement>("[data-key]")];
  const { title, about, keys = [] } = props;
  return {
    title,
    lines: [`${about} · ${timeLine(props, dateWords)}`],
    keys: keys.map(({ words }, i) => ({ words, mark: marks[i]?.querySelector("svg") ?? null })),
    source: t(chartCity.demo ? "chartSourceDemo" : "chartSource"),
  };
}

function Menu({ props, figure, asTable, onTable }: {
  props: FrameProps;
  figure(): HTMLElement | null;
  asTable: boolean;
  onTable(): void;
}): JSX.Element {
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  const [failed, setFailed] = useState(false);
  const leave = (): void => {
    setOpen(false);
    opener.current?.focus();
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && open) {
      leave();
      event.preventDefault();
      event.stopPropagation();
    }
    const steps: Record<string, number> = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
    const step = steps[event.key];
    if (!step || !open) return;
    const buttons = [...(box.current?.querySelectorAll("button") ?? [])];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    buttons[(at + step + buttons.length) % buttons.length]?.focus();
    event.preventDefault();
    event.stopPropagation();
  };
  const drawn = (): ReturnType<typeof standAlone> => {
    const element = figure();
    if (!element) throw new Error("no figure");
    const words = wordsOf(props, element);
    return withDrawing(props, element, (drawing) => standAlone(drawing, words));
  };
  const files: Record<string, () => Blob | Promise<Blob>> = {
    svg: () => new Blob([drawn().text], { type: "image/svg+xml" }),
    png: () => pngOf(drawn()),
    csv: () => new Blob([csvOf(props.sheet, props.asOf)], { type: "text/csv;charset=utf-8" }),
  };
  const download = async (kind: string): Promise<void> => {
    try {
      save(await files[kind]!(), fileName(props, kind));
      setFailed(false);
      leave();
    } catch {
      setFailed(true);
    }
  };
  return (
    <div
      ref={box}
      class="chart-menu"
      onKeyDown={onKey}
      onFocusOut={(event) => {
        const next = event.relatedTarget;
        if (next instanceof Node && !box.current?.contains(next)) setOpen(false);
      }}
    >
      <button
        ref={opener}
        class="chart-menu-open"
        type="button"
        aria-expanded={open}
        aria-controls={id}
        aria-label={t("chartMenu", { what: props.what })}
        title={t("chartMenuHint")}
        onClick={() => setOpen(!open)}
      >
        <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
          <path d="M2 6.5h3v3H2zm4.5 0h3v3h-3zm4.5 0h3v3h-3z" />
        </svg>
      </button>
      <div class="chart-acts" id={id} role="group" aria-label={props.what} hidden={!open}>
        <button type="button" aria-pressed={asTable} onClick={() => { onTable(); leave(); }}>
          {t(asTable ? "chartPicture" : "chartTable")}
        </button>
        {Object.keys(files).map((kind) => (
          <button
            key={kind}
            type="button"
            aria-label={t("chartDownload", { kind: kind.toUpperCase() })}
            onClick={() => void download(kind)}
          >
            {kind.toUpperCase()}
          </button>
        ))}
        {failed && <p role="alert">{t("chartFailed")}</p>}
      </div>
    </div>
  );
}

export function ChartFrame(props: FrameProps): JSX.Element {
  const { name, title, sheet, keys = [], readout = "", door, children } = props;
  const figure = useRef<HTMLElement>(null);
  const [asTable, setAsTable] = useState(false);
  const Heading = props.heading ?? "h3";
  return (
    <figure ref={figure} class={`chart ${props.className ?? ""}`} data-chart={name}>
      <figcaption>
        <Heading id={props.id}>{title}</Heading>
        <Menu
          props={props}
          figure={() => figure.current}
          asTable={asTable}
          onTable={() => setAsTable(!asTable)}
        />
      </figcaption>
      {props.keysAbove && (
        <p class="foot above" hidden={asTable}>
          <Keys keys={keys} />
        </p>
      )}
      <div class="drawing-of" hidden={asTable}>
        {children}
      </div>
      {(asTable || sheet.rows.length <= alwaysRows) && (
        <div
          class={asTable ? "chart-table" : "sr"}
          {...(asTable && { tabIndex: 0, role: "region", "aria-label": title })}
        >
          <Table sheet={sheet} title={title} />
        </div>
      )}
      <div class="below">
        <p class="readout" role="status">
          {readout}
        </p>
        <div class={readout ? "foot away" : "foot"}>
          <span class="time-line">{timeLine(props, timeWords)}</span>
          {!props.keysAbove && <Keys keys={keys} />}
          {door}
        </div>
      </div>
    </figure>
  );
}
