// What arrives waits: a list stays as it is under the reader's hand, and is looked behind now and then.
import { useEffect, useRef } from "preact/hooks";
import { arrived } from "../api/live.ts";
import { onLive } from "../api/moments.ts";

const lookMilliseconds = 30_000;

/** Looks while the page is seen: now and then, when it is seen again, when the server answers again
 *  after it was away, and when the reader's notices grew (`newest`). */
export function useLook(newest: number, look: () => void): void {
  const latest = useRef(look);
  latest.current = look;
  useEffect(() => {
    const seen = (): void => {
      if (!document.hidden) latest.current();
    };
    const timer = setInterval(seen, lookMilliseconds);
    const quiet = onLive("back", seen);
    document.addEventListener("visibilitychange", seen);
    return () => {
      clearInterval(timer);
      quiet();
      document.removeEventListener("visibilitychange", seen);
    };
  }, []);
  const known = useRef(newest);
  useEffect(() => {
    if (newest > known.current && known.current && !document.hidden) latest.current();
    known.current = newest;
  }, [newest]);
}

/** A tone for the newest of what waits, once in this browser; `what` names it. */
export function useTone(what: string): void {
  useEffect(() => {
    if (what) arrived(what);
  }, [what]);
}

/** The rows of a later reading that a list does not show yet. A list that was not read to its end says
 *  nothing of what lies behind its last row. */
export function newcomers<T extends { id: number }>(
  shown: readonly T[],
  isWhole: boolean,
  later: readonly T[],
): T[] {
  const known = new Set(shown.map(({ id }) => id));
  let end = later.length;
  while (!isWhole && end > 0 && !known.has(later[end - 1]!.id)) end--;
  return later.slice(0, end).filter(({ id }) => !known.has(id));
}
