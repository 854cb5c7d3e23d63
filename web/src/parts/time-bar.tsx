// The time bar: 14 days by the hour, dragged or moved by keys, and what stands over a page that looks at a
// past hour. Hours of which nothing was kept are hatched. The far right is now, and nothing else is.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../catalogue.ts";
import { cityTime, dayAndClock, dayShort, secondsOf } from "../format.ts";
import { HatchPattern } from "./icons.tsx";
import { useKeys } from "./keys.tsx";

const hour = 3600;
const day = 24;
const playMilliseconds = 700;

/** What of an address says which moment is looked at; "" is now. */
export const momentOf = (query: URLSearchParams): string => {
  const text = query.get("as_of") ?? "";
  return Number.isNaN(Date.parse(text)) ? "" : text;
};

export interface Hours {
  first: string;
  last: string;
  /** Hours from the first on of which what was known is kept. */
  kept: ReadonlySet<number>;
  /** For so many hours the last thing known still stands. */
  stands: number;
}

export function hoursOf(answer: {
  first: string;
  last: string;
  stands_hours: number;
  items: readonly string[];
}): Hours {
  const begin = secondsOf(answer.first);
  return {
    first: answer.first,
    last: answer.last,
    kept: new Set(answer.items.map((item) => Math.round((secondsOf(item) - begin) / hour))),
    stands: answer.stands_hours,
  };
}

interface Props {
  hours: Hours;
  /** "" is now. */
  moment: string;
  onMoment(moment: string): void;
}

interface Gap {
  from: number;
  to: number;
}

/** Runs of hours of which nothing is known: none was kept, nor one shortly before. */
function gapsOf(hours: Hours, count: number): Gap[] {
  const gaps: Gap[] = [];
  let last = -Infinity;
  for (let i = 0; i < count; i++) {
    if (hours.kept.has(i)) last = i;
    if (i - last <= hours.stands) continue;
    const gap = gaps.at(-1);
    if (gap && gap.to === i) gap.to = i + 1;
    else gaps.push({ from: i, to: i + 1 });
  }
  return gaps;
}

export function TimeBar({ hours, moment, onMoment }: Props): JSX.Element {
  const begin = secondsOf(hours.first);
  const offset = hours.first.slice(19);
  const whole = Math.floor((secondsOf(hours.last) - begin) / hour);
  const now = whole + 1; // the place after the last full hour
  const at = moment ? Math.round((secondsOf(moment) - begin) / hour) : now;
  const place = Math.max(0, Math.min(now, at));
  const [playing, setPlaying] = useState(false);
  const slider = useRef<HTMLInputElement>(null);

  const timeOf = (index: number): string => cityTime(begin + index * hour, offset);
  const move = (index: number): void => {
    const next = Math.max(0, Math.min(now, index));
    if (next !== place) onMoment(next === now ? "" : timeOf(next));
  };
  const latest = useRef({ place, move });
  latest.current = { place, move };
  useEffect(() => {
    if (!playing) return;
    const timer = setInterval(() => latest.current.move(latest.current.place + 1), playMilliseconds);
    return () => clearInterval(timer);
  }, [playing]);
  useEffect(() => {
    if (!moment) setPlaying(false);
  }, [moment]);
  const play = (): void => {
    if (!playing && place === now) move(0);
    setPlaying(!playing);
  };
  const steps: Record<string, number> = {
    ArrowLeft: place - 1,
    ArrowDown: place - 1,
    ArrowRight: place + 1,
    ArrowUp: place + 1,
    PageUp: place - day,
    PageDown: place + day,
    Home: 0,
    End: now,
  };
  useKeys({
    ArrowLeft: () => move(place - 1),
    ArrowRight: () => move(place + 1),
    ...(moment && { End: () => move(now) }),
  });

  const days = Math.ceil(now / day);
  const left = (index: number): string => `${(index / now) * 100}%`;
  return (
    <section class="time-bar" aria-label={t("timeBar")}>
      <div class="time-bar-words">
        <b>{moment ? dayAndClock(moment) : dayAndClock(hours.last)}</b>
        <span class={moment ? "then" : "now"}>{t(moment ? "timeBarThen" : "timeBarNow")}</span>
        <span class="time-bar-acts">
          <button
            class="button slim"
            type="button"
            aria-label={t("timeBarBack")}
            disabled={place === 0}
            onClick={() => move(place - 1)}
          >
            ←
          </button>
          <button
            class="button slim"
            type="button"
            aria-label={t("timeBarOn")}
            disabled={place === now}
            onClick={() => move(place + 1)}
          >
            →
          </button>
          <button class="button slim" type="button" aria-pressed={playing} onClick={play}>
            {t(playing ? "timeBarStop" : "timeBarPlay")}
          </button>
        </span>
      </div>
      <div class="time-bar-track">
        <svg class="gaps" aria-hidden="true" preserveAspectRatio="none">
          <defs>
            <HatchPattern id="time-hatch" />
          </defs>
          {gapsOf(hours, now).map(({ from, to }) => (
            <rect
              key={from}
              x={left(from)}
              width={`${((to - from) / now) * 100}%`}
              y="0"
              height="100%"
              fill="url(#time-hatch)"
            />
          ))}
        </svg>
        <input
          ref={slider}
          type="range"
          min={0}
          max={now}
          step={1}
          value={place}
          aria-label={t("timeBarSlider")}
          aria-valuetext={place === now ? t("timeBarNow") : dayAndClock(timeOf(place))}
          onInput={(event) => move(Number(event.currentTarget.value))}
          onKeyDown={(event) => {
            const next = steps[event.key];
            if (next === undefined) return;
            event.preventDefault();
            move(next);
          }}
        />
        <div class="ticks" aria-hidden="true">
          {Array.from({ length: days }, (_, i) => (
            <span key={i} style={{ left: left(i * day) }}>
              {dayShort(timeOf(i * day))}
            </span>
          ))}
        </div>
      </div>
    </section>
  );
}

interface PastProps {
  moment: string;
  /** false: what is shown is not yet of that hour. */
  isRead?: boolean;
  /** When what is shown was known; null: nothing was. */
  knownAt: string | null;
  /** How many figures have changed since; 0: none that is known of. */
  waiting: number;
  onNow(): void;
  children?: JSX.Element | undefined;
}

/** The words over a page that looks at the past. */
export function PastNote({ moment, isRead = true, knownAt, waiting, onNow, children }: PastProps): JSX.Element {
  const older = knownAt !== null && secondsOf(knownAt) < secondsOf(moment);
  return (
    <div class="past-note" role="status">
      <b>{t(isRead ? "pastNote" : "pastReading", { time: dayAndClock(moment) })}</b>
      {knownAt === null && <span>{t("pastUnknown")}</span>}
      {older && <span>{t("pastOlder", { time: dayAndClock(knownAt) })}</span>}
      <span class="dim">{t("pastNoActs")}</span>
      {waiting > 0 && <span class="waiting">{t("pastWaiting", { count: waiting })}</span>}
      {children}
      <button class="button slim" type="button" onClick={onNow}>
        {t("pastNow")} <kbd>Esc</kbd>
      </button>
    </div>
  );
}
