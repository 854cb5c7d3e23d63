// A list that is read a page at a time, as it is scrolled. What was read stays when a later page
// fails. A list of a million rows keeps a window of them: pages far above are let go, with the cursor
// that reads them again, and pages far below when the reader goes up.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client.ts";
import { useReadAgain } from "./load.tsx";

const keptMost = 2000;

export interface Pages<T, E = object> {
  rows: readonly T[];
  /** How many rows stand before the first that is kept. */
  base: number;
  /** The cursor before it. */
  after: string;
  /** null: all is read. */
  next: string | null;
  /** The page that was read last, for what it says beside its rows. */
  last: (Page<T> & E) | null;
  problem: Problem | null;
  busy: boolean;
  /** A first page came. */
  read: boolean;
  /** Reads the next page; after a failure the one that failed. `whole`: lets nothing go for it. */
  more(whole?: boolean): void;
  /** Reads again what was let go at that place, counted from the first row of the list. */
  around(index: number): void;
}

interface Page<T> {
  items: readonly T[];
  next: string | null;
}
/** A page that was read: the cursor before it, and the place of its first row. */
interface Part<T> {
  after: string;
  start: number;
  rows: readonly T[];
}
interface Kept<T, E> {
  gone: Part<T>[]; // before the parts that are kept; without rows
  parts: Part<T>[];
  next: string | null;
  last: (Page<T> & E) | null;
  problem: Problem | null;
  busy: boolean;
  read: boolean;
}

const size = <T>(parts: readonly Part<T>[]): number =>
  parts.reduce((sum, part) => sum + part.rows.length, 0);

function withLater<T, E>(
  old: Kept<T, E>,
  after: string,
  page: Page<T> & E,
  most: number,
): Kept<T, E> {
  const end = old.parts.at(-1);
  const start = after && end ? end.start + end.rows.length : 0;
  const parts = [...(after ? old.parts : []), { after, start, rows: page.items }];
  const gone = after ? [...old.gone] : [];
  while (parts.length > 1 && size(parts) > most) gone.push({ ...parts.shift()!, rows: [] });
  return { gone, parts, next: page.next, last: page, problem: null, busy: false, read: true };
}

/** `at`: which of the parts that are gone came again. One that does not touch what is kept replaces it. */
function withEarlier<T, E>(
  old: Kept<T, E>,
  at: number,
  page: Page<T> & E,
  most: number,
): Kept<T, E> {
  const { after, start } = old.gone[at]!;
  const touches = at === old.gone.length - 1;
  const parts = [{ after, start, rows: page.items }, ...(touches ? old.parts : [])];
  let next = touches ? old.next : page.next;
  while (parts.length > 1 && size(parts) > most) next = parts.pop()!.after;
  return { ...old, gone: old.gone.slice(0, at), parts, next, last: page, problem: null, busy: false };
}

/** Reads anew when `key` changes (a null key reads nothing), and when `turn` does: then what is shown
 * stays until the first page has come. `endless`: rows far from the reader are let go. */
export function usePages<T, E = object>(
  key: string | null,
  readPage: (after: string) => Promise<Page<T> & E>,
  options: { endless?: boolean; turn?: number } = {},
): Pages<T, E> {
  const { endless = false, turn = 0 } = options;
  const nothing: Kept<T, E> = {
    gone: [],
    parts: [],
    next: "",
    last: null,
    problem: null,
    busy: false,
    read: false,
  };
  const [kept, setKept] = useState(nothing);
  const latest = useRef(readPage);
  latest.current = readPage;
  const epoch = useRef(0);
  const reading = useRef(false);

  async function read(
    after: string,
    add: (old: Kept<T, E>, page: Page<T> & E) => Kept<T, E>,
  ): Promise<void> {
    if (reading.current) return;
    reading.current = true;
    const mine = epoch.current;
    setKept((old) => ({ ...old, busy: true }));
    try {
      let page = await latest.current(after);
      // A page may be short, and even empty, where many rows were passed over.
      while (mine === epoch.current && !page.items.length && page.next)
        page = await latest.current(page.next);
      if (mine === epoch.current) setKept((old) => add(old, page));
    } catch (reason) {
      if (mine === epoch.current)
        setKept((old) => ({ ...old, problem: asProblem(reason), busy: false }));
    } finally {
      if (mine === epoch.current) reading.current = false;
    }
  }
  const readOn = (after: string, whole: boolean): Promise<void> =>
    read(after, (old, page) => withLater(old, after, page, endless && !whole ? keptMost : Infinity));
  function begin(): void {
    epoch.current++;
    reading.current = false;
    if (key !== null) void readOn("", false);
  }
  const drawn = useRef({ key, turn });
  useEffect(() => {
    if (drawn.current.key !== key || !kept.read) setKept(nothing);
    drawn.current = { key, turn };
    begin();
    return () => {
      epoch.current++;
    };
  }, [key, turn]);
  const more = (whole = false): void => {
    if (kept.next !== null && !kept.busy) void readOn(kept.next, whole);
  };
  useReadAgain(kept.problem, more);
  const rows = useMemo(() => kept.parts.flatMap((part) => part.rows), [kept.parts]);
  return {
    rows,
    base: kept.parts[0]?.start ?? 0,
    after: kept.parts[0]?.after ?? "",
    next: kept.next,
    last: kept.last,
    problem: kept.problem,
    busy: kept.busy,
    read: kept.read,
    more,
    around: (index) => {
      const later = kept.gone.findIndex((part) => part.start > Math.max(0, index));
      const at = (later < 0 ? kept.gone.length : later) - 1;
      const part = kept.gone[at];
      if (part && !kept.busy)
        void read(part.after, (old, page) => withEarlier(old, at, page, keptMost));
    },
  };
}
