// The city's time on this page: asked once, then carried on by the machine's own clock. Deadlines
// are counted from it, so that a machine whose clock is wrong still counts right.
import { useEffect, useMemo, useState } from "preact/hooks";
import { call } from "../api/client.ts";
import { secondsOf } from "../format.ts";

const tickMilliseconds = 20_000;
const known = { ahead: 0, offset: "+08:00", asked: false };

export async function askCityTime(): Promise<void> {
  const about = await call("GET /api/v1/public/about");
  known.ahead = secondsOf(about.city_now) - Date.now() / 1000;
  known.offset = /[+-]\d\d:\d\d$/.exec(about.city_now)?.[0] ?? known.offset;
  known.asked = true;
}

/** Seconds since 1970, as the city's clock has it. */
export const cityNow = (): number => Date.now() / 1000 + known.ahead;
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

/** Draws the caller again as the clock goes on. */
export function useCityNow(): number {
  const [now, setNow] = useState(cityNow);
  useEffect(() => {
    if (!known.asked) void askCityTime().then(() => setNow(cityNow()), () => {});
    const timer = setInterval(() => setNow(cityNow()), tickMilliseconds);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** For a page that says "now" in more than passing: false until the city's time is known. */
export function useCityTimeKnown(): boolean {
  useCityNow();
  return known.asked;
}

/** The city's time at which what is shown was read, for answers that do not say it themselves; null
 *  until that time is known. */
export function useReadAt(value: unknown): string | null {
  const seconds = useMemo(() => Date.now() / 1000, [value]);
  return useCityTimeKnown() ? cityTime(cityText(seconds + known.ahead)) : null;
}
