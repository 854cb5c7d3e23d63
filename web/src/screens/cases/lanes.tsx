// 14 days in lanes: a row a venue, a tick a scan. Solid where staff or a device attended, fading by
// the dwell model, outlined where a poster only was scanned. Below, one day enlarged, and the same
// in words.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Answer } from "../../api/client.ts";
import { t, type WordKey } from "../../catalogue.ts";
import {
  clock,
  dayAndClock,
  dayLong,
  dayShort,
  duration,
  hourOf,
  secondsOf,
  weekday,
} from "../../format.ts";
import { ChartFrame, type ChartKey } from "../../parts/chart-frame.tsx";
import { useReadAt } from "../../parts/city-clock.ts";
import { HatchKey } from "../../parts/day-chart.tsx";
import { HatchPattern } from "../../parts/icons.tsx";
import { daysKnown, type Cell, type Sheet } from "../../parts/sheet.ts";
import { categoryNames } from "../../policy-names.ts";
import { settings } from "../../settings.ts";

export type CasePage = Answer<"GET /api/v1/cases/{id}">;
type Lane = CasePage["lanes"][number];
type Visit = Lane["visits"][number];

const labelWidth = 262;
const width = 1180;
const plotWidth = width - labelWidth;
const headHeight = 58;
const rowHeight = 26;
const lanesShown = 14;

const lateTick = 1.5;
const isDirect = (visit: Visit): boolean =>
  visit.evidence === "attended" || visit.evidence === "sealed";
const categoryOf = (lane: Lane): string =>
  categoryNames[lane.category]?.[settings.language] ?? lane.category;
const venueOf = (lane: Lane): string => lane.venue ?? `#${lane.venue_no}`;

/** One visit from x on, with so many pixels an hour: what is shown by evidence, and what may be. */
function VisitMark({
  visit,
  x,
  y,
  hour,
  limit,
}: {
  visit: Visit;
  x: number;
  y: number;
  hour: number;
  limit: number;
}): JSX.Element {
  const clip = (wide: number): number => Math.max(3, Math.min(wide, limit - x));
  const likely = clip((visit.dwell_p50_minutes / 60) * hour);
  const longest = clip((visit.dwell_p90_minutes / 60) * hour);
  const high = 10;
  if (visit.decision === "refuse")
    return (
      <>
        <rect class="refused" x={x} y={y - high / 2} width={4} height={high} />
        <path class="tick" d={`M${x} ${y - 8}v16`} />
      </>
    );
  return (
    <>
      {visit.evidence === "claimed" && (
        <rect class="outline" x={x} y={y - high / 2} width={likely} height={high} />
      )}
      {visit.evidence === "rotating" && (
        <rect fill="url(#lane-fade)" x={x} y={y - high / 2} width={longest} height={high} />
      )}
      {isDirect(visit) && (
        <rect class="solid" x={x} y={y - high / 2} width={likely} height={high} />
      )}
      {isDirect(visit) && longest > likely && (
        <rect
          fill="url(#lane-fade)"
          x={x + likely}
          y={y - high / 2}
          width={longest - likely}
          height={high}
        />
      )}
      <path class="tick" d={`M${x} ${y - 8}v16`} stroke-width={lateTick} />
    </>
  );
}

function LaneDefs(): JSX.Element {
  return (
    <defs>
      <HatchPattern id="lane-hatch" clear />
      <Fade id="lane-fade" />
    </defs>
  );
}

function Fade({ id }: { id: string }): JSX.Element {
  return (
    <linearGradient id={id}>
      <stop class="fade-0" offset="0" />
      <stop class="fade-1" offset="1" />
    </linearGradient>
  );
}

const laneKeys = (): ChartKey[] => [
  { mark: <path class="tick" d="M14 0v12" />, words: t("legendTick") },
  { mark: <rect class="solid" y="1" width="28" height="10" />, words: t("legendSolid") },
  { mark: <FadeKey />, words: t("legendFading") },
  { mark: <rect class="outline" x=".5" y="1" width="27" height="10" />, words: t("legendOutline") },
  { mark: <HatchKey />, words: t("legendNone") },
];

/** With a gradient of its own: a file holds each mark by itself. */
function FadeKey(): JSX.Element {
  return (
    <>
      <defs>
        <Fade id="lane-key-fade" />
      </defs>
      <rect fill="url(#lane-key-fade)" y="1" width="28" height="10" />
    </>
  );
}

const visitsOn = (page: CasePage, day: string): number =>
  page.lanes.reduce(
    (sum, lane) => sum + lane.visits.filter((visit) => visit.time.startsWith(day)).length,
    0,
  );

/** The words below the two moments; one text where they would run into each other. */
function Moments({
  sampled,
  reported,
  y,
}: {
  sampled: number;
  reported: number;
  y: number;
}): JSX.Element {
  const words = [t("thSampled"), t("thReported")];
  if (Math.abs(reported - sampled) < 90 || reported > width - 60)
    return (
      <text class="strong" x={Math.max(sampled, reported)} y={y} text-anchor="end">
        {words.join(" · ")}
      </text>
    );
  return (
    <>
      <text class="strong" x={sampled} y={y} text-anchor="middle">
        {words[0]}
      </text>
      <text class="strong" x={reported} y={y} text-anchor="middle">
        {words[1]}
      </text>
    </>
  );
}

interface LanesProps {
  page: CasePage;
  chosen: number;
  onChoose(day: number): void;
}

function LaneChart({ page, chosen, onChoose }: LanesProps): JSX.Element {
  const { days, window: infectious } = page;
  const lanes = page.lanes.slice(0, lanesShown);
  const dayWidth = plotWidth / days.length;
  const height = headHeight + Math.max(1, lanes.length) * rowHeight + 22;
  const bottom = height - 22;
  const start = secondsOf(`${days[0]}T00:00:00+08:00`);
  const at = (time: string): number =>
    labelWidth + Math.max(0, Math.min(plotWidth, ((secondsOf(time) - start) / 86_400) * dayWidth));
  const from = at(infectious.from);
  const to = at(infectious.to);
  const middle = Math.min(Math.max((from + to) / 2, labelWidth + 130), width - 130);
  const onKey = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (!step) return;
    onChoose(Math.max(0, Math.min(days.length - 1, chosen + step)));
    event.preventDefault();
  };
  return (
    <div class="scroll-x">
      <svg
        class="lanes"
        viewBox={`0 0 ${width} ${height}`}
        role="slider"
        tabindex={0}
        aria-label={t("lanesLabel")}
        aria-valuemin={0}
        aria-valuemax={days.length - 1}
        aria-valuenow={chosen}
        aria-valuetext={t("dayPick", {
          day: dayLong(days[chosen] ?? ""),
          visits: visitsOn(page, days[chosen] ?? ""),
        })}
        onKeyDown={onKey}
      >
        <LaneDefs />
        {to > from && (
          <rect
            class="window"
            x={from}
            y={headHeight}
            width={to - from}
            height={bottom - headHeight}
          />
        )}
        {to > from && (
          <path class="window-line" d={`M${from} ${headHeight - 34}v-4h${to - from}v4`} />
        )}
        <text class="window-text" x={middle} y={14} text-anchor="middle">
          {t("lanesWindow", { from: dayAndClock(infectious.from), to: dayAndClock(infectious.to) })}
        </text>
        {days.map((day, i) => {
          const x = labelWidth + i * dayWidth;
          return (
            <g key={day}>
              {!visitsOn(page, day) && (
                <rect
                  x={x + 2}
                  y={headHeight}
                  width={dayWidth - 4}
                  height={bottom - headHeight}
                  fill="url(#lane-hatch)"
                />
              )}
              <path class="grid" d={`M${x} ${headHeight - 6}V${bottom}`} />
              <text x={x + dayWidth / 2} y={headHeight - 22} text-anchor="middle">
                {dayShort(day)}
              </text>
              <text x={x + dayWidth / 2} y={headHeight - 8} text-anchor="middle">
                {weekday(day)}
              </text>
            </g>
          );
        })}
        {lanes.map((lane, row) => {
          const y = headHeight + row * rowHeight + rowHeight / 2;
          return (
            <g key={lane.venue_no}>
              <path class="grid" d={`M0 ${y + rowHeight / 2}H${width}`} />
              <text class="venue" x={0} y={y + 4}>
                {cut(venueOf(lane), 11)}
              </text>
              <text x={labelWidth - 10} y={y + 4} text-anchor="end">
                {cut(categoryOf(lane), 8)}
              </text>
              {lane.visits.map((visit) => (
                <VisitMark
                  key={visit.time}
                  visit={visit}
                  x={at(visit.time)}
                  y={y}
                  hour={dayWidth / 24}
                  limit={width}
                />
              ))}
            </g>
          );
        })}
        <path class="moment" d={`M${at(page.at)} ${headHeight}V${bottom}`} />
        <path class="moment" d={`M${at(page.recorded_at)} ${headHeight}V${bottom}`} />
        <Moments sampled={at(page.at)} reported={at(page.recorded_at)} y={height - 7} />
        <rect
          data-screen-only
          class="chosen"
          x={labelWidth + chosen * dayWidth + 1}
          y={headHeight - 34}
          width={dayWidth - 2}
          height={bottom - headHeight + 34}
        />
        {days.map((day, i) => (
          <rect
            key={day}
            data-screen-only
            class="day-hit"
            data-day={day}
            x={labelWidth + i * dayWidth}
            y={headHeight - 34}
            width={dayWidth}
            height={bottom - headHeight + 34}
            onClick={() => onChoose(i)}
          />
        ))}
      </svg>
    </div>
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

function DayChart({ lanes, day }: { lanes: readonly Lane[]; day: string }): JSX.Element {
  const hour = plotWidth / 24;
  const height = 24 + lanes.length * rowHeight;
  return (
    <div class="scroll-x" tabIndex={0} role="group" aria-label={dayLong(day)}>
      <svg class="lanes" viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
        {Array.from({ length: 13 }, (_, i) => (
          <g key={i}>
            <path class="grid" d={`M${labelWidth + i * 2 * hour} 20V${height}`} />
            <text x={Math.min(labelWidth + i * 2 * hour, width - 18)} y={14} text-anchor="middle">
              {i * 2}:00
            </text>
          </g>
        ))}
        {lanes.map((lane, row) => {
          const y = 24 + row * rowHeight + rowHeight / 2;
          return (
            <g key={lane.venue_no}>
              <path class="grid" d={`M0 ${y + rowHeight / 2}H${width}`} />
              <text class="venue" x={0} y={y + 4}>
                {cut(venueOf(lane), 15)}
              </text>
              {lane.visits
                .filter((visit) => visit.time.startsWith(day))
                .map((visit) => (
                  <VisitMark
                    key={visit.time}
                    visit={visit}
                    x={labelWidth + hourOf(visit.time) * hour}
                    y={y}
                    hour={hour}
                    limit={width}
                  />
                ))}
            </g>
          );
        })}
      </svg>
    </div>
  );
}

function visitWords(visit: Visit): string {
  const time = clock(visit.time);
  if (visit.decision === "refuse") return t("visitRefused", { time });
  const words = t("visitWords", {
    time,
    low: duration(visit.dwell_p50_minutes * 60),
    high: duration(visit.dwell_p90_minutes * 60),
    evidence: t(`evidence_${visit.evidence}` as WordKey),
  });
  return visit.infectious === "under_way" ? `${words}${t("visitUnderWay")}` : words;
}

function Day({ page, day }: { page: CasePage; day: string }): JSX.Element {
  const lanes = page.lanes.filter((lane) =>
    lane.visits.some((visit) => visit.time.startsWith(day)),
  );
  const values = {
    day: dayLong(day),
    weekday: weekday(day),
    visits: visitsOn(page, day),
    venues: lanes.length,
  };
  if (!lanes.length)
    return (
      <section aria-live="polite">
        <h2>{t("dayTitleNone", values)}</h2>
      </section>
    );
  return (
    <section aria-live="polite" data-day-shown={day}>
      <h2>{t("dayTitle", values)}</h2>
      <DayChart lanes={lanes} day={day} />
      <ul class="day-words">
        {lanes.map((lane) => (
          <li key={lane.venue_no}>
            <b>{venueOf(lane)}</b>
            <span class="dim">
              {lane.visits
                .filter((visit) => visit.time.startsWith(day))
                .map(visitWords)
                .join(settings.language === "zh" ? "；" : "; ")}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** That began in the infectious window, or is under way when it begins. */
const isInfectious = (visit: Visit): boolean => visit.infectious !== "outside";

/** The day with most scans while infectious is where to look first; without any, the window's first. */
function firstDay(page: CasePage): number {
  const opens = page.days.indexOf(page.window.from.slice(0, 10));
  let best = opens < 0 ? page.days.length - 1 : opens;
  let most = 0;
  page.days.forEach((day, i) => {
    const visits = page.lanes
      .flatMap((lane) => lane.visits)
      .filter((visit) => isInfectious(visit) && visit.time.startsWith(day)).length;
    if (visits > most) [best, most] = [i, visits];
  });
  return best;
}

function windowCell(visit: Visit): string {
  if (visit.infectious === "outside") return "";
  return t(visit.infectious === "within" ? "windowWithin" : "windowUnderWay");
}

/** A row a scan, in order of time; a day without a record is one row that says so. */
function sheetOf({ days, lanes }: CasePage): Sheet {
  const visits = lanes.flatMap((lane) => lane.visits.map((visit) => ({ lane, visit })));
  const rowsOf = (day: string): Cell[][] => {
    const own = visits
      .filter(({ visit }) => visit.time.startsWith(day))
      .sort((a, b) => a.visit.time.localeCompare(b.visit.time));
    if (!own.length) return [[day, null, null, null, null, null, null, null]];
    return own.map(({ lane, visit }) => {
      const refused = visit.decision === "refuse";
      return [
        day,
        clock(visit.time),
        venueOf(lane),
        categoryOf(lane),
        refused ? t("visitNone") : t(`evidence_${visit.evidence}` as WordKey),
        refused ? "" : visit.dwell_p50_minutes,
        refused ? "" : visit.dwell_p90_minutes,
        windowCell(visit),
      ];
    });
  };
  return {
    columns: [
      { words: t("thDay"), kind: "day" },
      { words: t("thScanAt") },
      { words: t("thVenue") },
      { words: t("thCategory") },
      { words: t("thEvidence") },
      { words: t("thStayLikely") },
      { words: t("thStayLong") },
      { words: t("thWindow") },
    ],
    rows: days.flatMap(rowsOf),
  };
}

export function Lanes({ page }: { page: CasePage }): JSX.Element {
  const [chosen, setChosen] = useState(() => firstDay(page));
  const readAt = useReadAt(page);
  const infectious = page.lanes.filter((lane) => lane.visits.some(isInfectious)).length;
  const more = page.lanes.length > lanesShown;
  return (
    <>
      <section aria-labelledby="lanes-title">
        <ChartFrame
          name="lanes"
          className="lanes-chart"
          what={t("whatLanes")}
          heading="h2"
          id="lanes-title"
          title={
            page.lanes.length
              ? t("lanesTitle", { venues: page.lanes.length, infectious })
              : t("lanesNone")
          }
          about={t("caseNo", { id: page.id })}
          asOf={readAt}
          complete={daysKnown(page.days.map((day) => visitsOn(page, day) || null))}
          sheet={sheetOf(page)}
          keys={laneKeys()}
          keysAbove
        >
          <LaneChart page={page} chosen={chosen} onChoose={setChosen} />
        </ChartFrame>
        {more && (
          <p class="quiet">{t("lanesMore", { count: lanesShown, venues: page.lanes.length })}</p>
        )}
      </section>
      <Day page={page} day={page.days[chosen] ?? ""} />
    </>
  );
}
