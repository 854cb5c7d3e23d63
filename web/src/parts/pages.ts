// A list that is read a page at a time, as it is scrolled. What was read stays when a later page fails.
import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client.ts";

export interface Pages<T> {
  rows: readonly T[];
  /** null: all is read. */
  next: string | null;
  problem: Problem | null;
  busy: boolean;
  /** A first page came. */
  read: boolean;
  /** Reads the next page; after a failure the one that failed. */
  more(): void;
}

type Page<T> = { items: readonly T[]; next: string | null };

/** Reads anew when `key` changes; a null key reads nothing. */
export function usePages<T>(
  key: string | null,
  readPage: (after: string) => Promise<Page<T>>,
): Pages<T> {
  const nothing = { rows: [] as readonly T[], next: "" as string | null, problem: null as Problem | null, busy: false, read: false };
  const [kept, setKept] = useState(nothing);
  const latest = useRef(readPage);
  latest.current = readPage;
  const turn = useRef(0);
  const reading = useRef(false);

  async function read(after: string): Promise<void> {
    if (reading.current) return;
    reading.current = true;
    const mine = turn.current;
    setKept((old) => ({ ...old, busy: true }));
    try {
      const page = await latest.current(after);
      if (mine === turn.current)
        setKept((old) => ({
          rows: after ? [...old.rows, ...page.items] : page.items,
          next: page.next,
          problem: null,
          busy: false,
          read: true,
        }));
    } catch (reason) {
      if (mine === turn.current)
        setKept((old) => ({ ...old, problem: asProblem(reason), busy: false }));
    } finally {
      if (mine === turn.current) reading.current = false;
    }
  }
  useEffect(() => {
    turn.current++;
    reading.current = false;
    setKept(nothing);
    if (key !== null) void read("");
    return () => {
      turn.current++;
    };
  }, [key]);
  return {
    ...kept,
    more: () => {
      if (kept.next !== null && !kept.busy) void read(kept.next);
    },
  };
}
