// The holder's own code: fetched each time it rotates, kept for the moment when there is no network,
// and never older than it says. Times are the city's: each answer says what time it is there, and this
// machine's clock only carries that on.
import { useEffect, useState } from "preact/hooks";
import { call, type Answer } from "../api/client.ts";
import { secondsOf } from "../format.ts";
import type { Color } from "../parts/color-chip.tsx";

export type OwnCode = Answer<"GET /api/v1/me/code">;

export interface Held {
  code: OwnCode;
  /** This machine's clock when the city gave it, in seconds. */
  receivedAt: number;
}
/** What stays for the moment without network. */
export interface Kept extends Held {
  color: Color;
  /** When the colour was that, in the city's words. */
  asOf: string;
}

const place = "chengmai.own-code";
/** A code is replaced so long before it rotates that the next look at the city is in time. */
const aheadSeconds = 21;

const machineSeconds = (): number => Date.now() / 1000;

export function kept(): Kept | null {
  try {
    const found = JSON.parse(localStorage.getItem(place) ?? "null") as Kept | null;
    return found?.code?.code && found.receivedAt ? found : null;
  } catch {
    return null;
  }
}

export function keep(value: Kept): void {
  try {
    localStorage.setItem(place, JSON.stringify(value));
  } catch {
    // Without storage the code is gone with the page.
  }
}

/** Nothing of a session that has ended stays on the phone. */
export function forgetKept(): void {
  try {
    localStorage.removeItem(place);
  } catch {
    // There is no storage: nothing is there.
  }
}

/** The code to show now: `old` while it is far from its rotation, else a new one. */
export async function codeToShow(
  member: number | null,
  old: Held | null,
  signal: AbortSignal,
): Promise<Held> {
  if (old && ageOf(old).seconds + aheadSeconds < rotatesAfter(old)) return old;
  const query = member === null ? {} : { member };
  const code = await call("GET /api/v1/me/code", { query, signal });
  return { code, receivedAt: machineSeconds() };
}

export type Stage = "fresh" | "late" | "expired";
export interface Age {
  seconds: number;
  stage: Stage;
  /** "14:32:08" of the city, now. */
  clock: string;
}

const rotatesAfter = ({ code }: Held): number =>
  secondsOf(code.rotate_at) - secondsOf(code.issued_at);

/** How old a code is, by the time that has passed since the city gave it. A clock that was set back
 *  makes no code younger. */
export function ageOf(held: Held, machine = machineSeconds()): Age {
  const { code, receivedAt } = held;
  const seconds = Math.max(0, machine - receivedAt);
  const rotates = rotatesAfter(held);
  const lasts = secondsOf(code.valid_until) - secondsOf(code.issued_at);
  const offset = Number(/[+-]\d\d/.exec(code.issued_at.slice(19))?.[0] ?? 0) * 3600;
  const city = new Date((secondsOf(code.issued_at) + seconds + offset) * 1000);
  return {
    seconds: Math.floor(seconds),
    stage: seconds > lasts ? "expired" : seconds > rotates ? "late" : "fresh",
    clock: city.toISOString().slice(11, 19),
  };
}

/** Draws the caller again each second. */
export function useSeconds(): number {
  const [now, setNow] = useState(machineSeconds);
  useEffect(() => {
    const timer = setInterval(() => setNow(machineSeconds()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
