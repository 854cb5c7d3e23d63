// The city's time on this page: asked once, then carried on by the machine's own clock. Deadlines
// are counted from it, so that a machine whose clock is wrong still counts right. Until it is known
// there is none: nothing is counted from the machine's clock alone.
import { useEffect, useMemo, useState } from "preact/hooks";
import { call } from "../api/client.ts";
import { whenAnswered } from "../api/moments.ts";
import { secondsOf } from "../format.ts";

const tickMilliseconds = 20_000;
/** `ahead`: seconds from the machine's clock to the city's; null until the city was asked. */
const known: { ahead: number | null; offset: string } = { ahead: null, offset: "+08:00" };
const watchers = new Set<() => void>();
let asking: Promise<void> | null = null;

export async function askCityTime(): Promise<void> {
  const about = await call("GET /api/v1/public/about");
  known.ahead = secondsOf(about.city_now) - Date.now() / 1000;
  known.offset = /[+-]\d\d:\d\d$/.exec(about.city_now)?.[0] ?? known.offset;
  watchers.forEach((redraw) => redraw());
}

/** Asks where nobody has, once for all that wait; where nothing came it is asked for again. */
function askOnce(): void {
  if (known.ahead !== null) return;
  asking ??= askCityTime()
    .catch(() => {})
    .finally(() => (asking = null));
}

/** Seconds since 1970, as the city's clock has it; null until that is known. */
export const cityNow = (): number | null =>
  known.ahead === null ? null : Date.now() / 1000 + known.ahead;
/** The same, for what is drawn or done only once it is known. */
export function cityNowKnown(): number {
  const now = cityNow();
  if (now === null) throw new Error("the city's time is not known yet");
  return now;
}
/** "+08:00": what a time that was typed in is to be read in. */
export const cityOffset = (): string => known.offset;

const offsetSeconds = (): number => {
  const [, sign, hours, minutes] = /^([+-])(\d\d):(\d\d)$/.exec(known.offset) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60);
};

/** "2022-04-14T14:30": a moment of the city as a control for times wants it. */
export const cityText = (seconds: number): string =>
  new Date((seconds + offsetSeconds()) * 1000).toISOString().slice(0, 16);
/** What was typed into such a control, with the city's offset; "" where nothing was. */
export const cityTime = (text: string): string =>
  text ? `${text.length === 16 ? `${text}:00` : text}${known.offset}` : "";

/** Draws the caller again as the clock goes on, and as soon as it is known. */
export function useCityNow(): number | null {
  const [, setTurn] = useState(0);
  const now = cityNow();
  useEffect(() => {
    const redraw = (): void => setTurn((old) => old + 1);
    watchers.add(redraw);
    if (now === null && known.ahead !== null) redraw(); // it came since this was drawn
    askOnce();
    const timer = setInterval(redraw, tickMilliseconds);
    const quiet = whenAnswered(askOnce);
    return () => {
      watchers.delete(redraw);
      clearInterval(timer);
      quiet();
    };
  }, []);
  return now;
}

/** For a page that says "now" in more than passing: false until the city's time is known. */
export const useCityTimeKnown = (): boolean => useCityNow() !== null;

/** The city's time at which what is shown was read, for answers that do not say it themselves; null
 *  until that time is known. */
export function useReadAt(value: unknown): string | null {
  const seconds = useMemo(() => Date.now() / 1000, [value]);
  useCityNow();
  return known.ahead === null ? null : cityTime(cityText(seconds + known.ahead));
}
