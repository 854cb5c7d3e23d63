// One chart of days: the drawing of day-drawing.tsx in the frame of all charts. The left and right
// keys and the mouse read the days one by one.
import type { ComponentChildren, JSX } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { t } from "../catalogue.ts";
import { count, dayLong, weekday } from "../format.ts";
import { ChartFrame, type ChartKey, type FrameProps } from "./chart-frame.tsx";
import { dayAt, DayDrawing, type DayShape } from "./day-drawing.tsx";
import { HatchPattern } from "./icons.tsx";
import { daysKnown, type Cell, type Column } from "./sheet.ts";

interface Props
  extends DayShape,
    Pick<FrameProps, "name" | "what" | "title" | "heading" | "about" | "asOf" | "className"> {
  days: readonly string[];
  /** The last day is the day of another time. */
  past?: boolean;
  door?: ComponentChildren;
  /** A day in words, where its value alone says too little. */
  wordsOf?(day: number): string;
  /** What the marks mean, before those that every such chart has. */
  keys?: readonly ChartKey[];
  /** The columns of the table between the day and the remark, and the cells of a day; where it is not
   *  said, the values alone. */
  columns?: readonly Column[];
  cells?(day: number): readonly Cell[];
  /** Of what the chart has one a column; a day where it is not said. */
  step?: "day" | "week";
  /** How complete it is; where it is not said, how many days are on record. */
  complete?: string;
  /** What a hatched day means here. */
  missingWords?: string;
  /** Days that are hatched because they are too few to be shown. */
  hidden?: readonly boolean[] | undefined;
}

/** Of the file: large enough for a page of a report, whatever the page shows. */
const fileWidth = 760;
const fileHeight = 300;

export function HatchKey(): JSX.Element {
  const id = useId();
  return (
    <>
      <defs>
        <HatchPattern id={id} />
      </defs>
      <rect class="missing" x=".5" y=".5" width="27" height="11" fill={`url(#${id})`} />
    </>
  );
}

/** Width and height of an element, and again whenever they change. */
function useSize(): { box: preact.RefObject<HTMLDivElement>; width: number; height: number } {
  const box = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = (): void => {
      const { clientWidth: width, clientHeight: height } = element;
      if (width && height)
        setSize((old) => (old.width === width && old.height === height ? old : { width, height }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { box, ...size };
}

const keysOf = ({ values, whole, keys = [], past, missingWords, hidden }: Props): ChartKey[] => [
  ...keys,
  ...(whole || values.at(-1) == null
    ? []
    : [
        {
          mark: <rect class="bar dark part" x="9" y="1" width="10" height="10" />,
          words: t(past ? "footThen" : "footToday"),
        },
      ]),
  ...(values.includes(null) ? [{ mark: <HatchKey />, words: missingWords ?? t(hidden?.includes(true) ? "footHidden" : "footHatch") }] : []),
];

export function DayChart(props: Props): JSX.Element {
  const { title, days, values, asOf, past = false, whole = false, what } = props;
  const { box, width, height } = useSize();
  const [chosen, setChosen] = useState(-1);
  const cellsOf = props.cells ?? ((day: number) => [values[day] ?? null]);
  const columns: Column[] = [
    { words: t("thDay"), kind: "day" },
    ...(props.columns ?? [{ words: what }]),
    ...(whole ? [] : [{ words: t("thRemark") }]),
  ];
  const remarkOf = (day: number): string => (day === days.length - 1 ? t("dayNotOver") : "");
  const rows = days.map((day, i) => [day, ...cellsOf(i), ...(whole ? [] : [remarkOf(i)])]);
  const wordsOf = (i: number): string => {
    const value = values[i] ?? null;
    if (value === null && props.hidden?.[i]) return t("tooFew");
    if (props.wordsOf) return props.wordsOf(i);
    return value === null ? t("unknown") : count(value);
  };
  const readAt = (event: MouseEvent): void => {
    const rect = box.current?.getBoundingClientRect();
    if (rect) setChosen(dayAt((event.clientX - rect.left) / rect.width, width, days.length));
  };
  const onKey = (event: KeyboardEvent): void => {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1 };
    const step = steps[event.key];
    if (step === undefined) return;
    const from = chosen < 0 ? (step > 0 ? -1 : days.length) : chosen;
    setChosen(Math.max(0, Math.min(days.length - 1, from + step)));
    event.preventDefault();
    event.stopPropagation();
  };
  const day = days[chosen];
  return (
    <ChartFrame
      name={props.name}
      what={what}
      title={title}
      heading={props.heading ?? "h3"}
      about={props.about}
      asOf={asOf}
      complete={props.complete ?? daysKnown(values, props.step)}
      sheet={{ columns, rows }}
      keys={keysOf(props)}
      door={props.door}
      className={props.className ?? ""}
      picture={() => (
        <DayDrawing shape={props} days={days} past={past} width={fileWidth} height={fileHeight} />
      )}
      readout={
        day ? t("readout", { day: dayLong(day), weekday: weekday(day), value: wordsOf(chosen) }) : ""
      }
    >
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
      >
        {width > 0 && (
          <DayDrawing shape={props} days={days} past={past} width={width} height={height} chosen={chosen} />
        )}
      </div>
    </ChartFrame>
  );
}
