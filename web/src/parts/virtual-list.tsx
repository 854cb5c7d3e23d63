// A list of any length that draws only the rows in view. One stop for Tab; J K, arrows, Home, End
// and page keys move the chosen row, Enter opens it. The chosen row stays chosen when rows arrive.
//
//   0 ─── origin ──────── base ──────────────── base + rows.length ──── …
//          y = 0           rows that are kept     read before it comes into view
//
// Rows stand at their place in the whole list, so that nothing moves when rows are let go above. A
// browser draws no box of any height: `origin` moves, and the place of scrolling with it, once in a
// hundred thousand rows.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

type Key = string | number;

interface Props<T> {
  id: string;
  label: string;
  rows: readonly T[];
  /** Place of the first of them in the whole list, where those before it were let go. */
  base?: number;
  /** All rows that there are, loaded or not; -1 where nobody knows. */
  total: number;
  rowHeight: number;
  rowClass: string;
  selected: number;
  onSelect(index: number): void;
  onOpen?(index: number): void;
  /** The end of what is loaded came into view. */
  onEnd?(): void;
  /** Rows that were let go are wanted again, from that place on. */
  onGone?(index: number): void;
  keyOf(row: T): Key;
  children(row: T, index: number): ComponentChildren;
}

const overscan = 6;
/** Rows ahead of the view that are read before they are wanted, once somebody scrolls. */
const ahead = 300;
const highestPixels = 12_000_000;

/** True where the key belongs to a field that is being typed in, to a choice that it changes, or to a
 *  browser's own shortcut. */
export function keyIsTaken(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement;
  const isChoice = target.matches("input[type=radio], input[type=checkbox]");
  return (
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    event.defaultPrevented ||
    (target.tagName === "INPUT" && (!isChoice || /^(Arrow.*|Enter| )$/.test(event.key))) ||
    target.tagName === "SELECT" ||
    target.tagName === "TEXTAREA"
  );
}

/** Which row is chosen, told by its key, since rows come and go: its place among `rows`, and how
 * another is chosen. Where nobody chose it is the first of the list; -1 where that one, or the chosen
 * one, is not there. */
export function useChosen<T>(
  rows: readonly T[],
  base: number,
  keyOf: (row: T) => Key,
  begins: Key | null = null,
): [number, (index: number) => void] {
  const [key, setKey] = useState(begins);
  const index = useMemo(
    () =>
      key !== null
        ? rows.findIndex((row) => keyOf(row) === key)
        : rows.length && !base
          ? 0
          : -1,
    [rows, base, key],
  );
  return [
    index,
    (next) => {
      const row = rows[next];
      if (row !== undefined) setKey(keyOf(row));
    },
  ];
}

export function VirtualList<T>(props: Props<T>): JSX.Element {
  const { id, rows, base = 0, rowHeight, selected, onSelect, onOpen, onEnd, onGone } = props;
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600, origin: 0 });
  const { origin } = view;

  const measure = (): void => {
    const element = box.current;
    if (element)
      setView((old) => ({ ...old, top: element.scrollTop, height: element.clientHeight }));
  };
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const top = origin + Math.floor(view.top / rowHeight); // the first row in view
  const bottom = origin + Math.ceil((view.top + view.height) / rowHeight);
  const end = base + rows.length;
  const tooHigh = (end - origin) * rowHeight > highestPixels && top - ahead > origin;
  const tooLow = origin > 0 && top - ahead < origin;
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || (!tooHigh && !tooLow)) return;
    const half = Math.floor(highestPixels / rowHeight / 2);
    const moved = Math.max(0, tooHigh ? base : top - half);
    const place = element.scrollTop - (moved - origin) * rowHeight;
    (element.firstElementChild as HTMLElement).style.height = `${(end - moved) * rowHeight}px`;
    element.scrollTop = place;
    setView({ top: place, height: element.clientHeight, origin: moved });
  }, [tooHigh, tooLow]);

  const selectedRow = rows[selected];
  const selectedKey = selectedRow === undefined ? null : props.keyOf(selectedRow);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element || selected < 0) return;
    const place = (base + selected - origin) * rowHeight;
    if (place < element.scrollTop) element.scrollTop = place;
    else if (place + rowHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = place + rowHeight - element.clientHeight;
  }, [selectedKey, rowHeight]);

  const first = Math.max(0, top - overscan - base);
  const last = Math.max(first, Math.min(rows.length, bottom + overscan - base));
  const nearEnd = bottom + (view.top > 0 ? ahead : overscan) >= end;
  const nearGone = base > 0 && top - ahead < base;
  useEffect(() => {
    if (nearEnd) onEnd?.();
  }, [nearEnd, rows]);
  useEffect(() => {
    if (nearGone) onGone?.(Math.min(top, base - 1));
  }, [nearGone, rows]);

  function toStart(): void {
    if (!box.current) return;
    box.current.scrollTop = 0;
    setView((old) => ({ ...old, top: 0, origin: 0 }));
    onGone?.(0);
  }

  function onKey(event: KeyboardEvent): void {
    if (keyIsTaken(event)) return;
    const page = Math.max(1, Math.floor(view.height / rowHeight) - 1);
    const steps: Record<string, number> = {
      j: 1,
      J: 1,
      ArrowDown: 1,
      k: -1,
      K: -1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -rows.length,
      End: rows.length,
    };
    const step = steps[event.key];
    if (event.key === "Home" && base > 0) {
      toStart();
      event.preventDefault();
      event.stopPropagation();
    } else if (step !== undefined && rows.length) {
      // The chosen row may have been let go: then from where the reader is.
      const from = selected >= 0 ? selected : Math.max(0, top - base) - Math.sign(step);
      onSelect(Math.max(0, Math.min(rows.length - 1, from + step)));
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === "Enter" && selected >= 0 && onOpen) {
      onOpen(selected);
      event.preventDefault();
      event.stopPropagation();
    }
  }

  const drawn = rows.slice(first, last);
  return (
    <div
      id={id}
      ref={box}
      class="list"
      role="listbox"
      tabIndex={0}
      aria-label={props.label}
      aria-activedescendant={
        selected >= first && selected < last ? `${id}-${base + selected}` : undefined
      }
      onKeyDown={onKey}
      onScroll={measure}
    >
      <div class="fill" role="presentation" style={{ height: `${(end - origin) * rowHeight}px` }}>
        {drawn.map((row, i) => {
          const index = first + i;
          const place = base + index;
          return (
            <div
              key={props.keyOf(row)}
              id={`${id}-${place}`}
              role="option"
              class={`row ${props.rowClass}`}
              aria-selected={index === selected}
              aria-posinset={place + 1}
              aria-setsize={props.total}
              style={{ top: `${(place - origin) * rowHeight}px`, height: `${rowHeight}px` }}
              onClick={() => {
                onSelect(index);
                onOpen?.(index);
              }}
            >
              {props.children(row, index)}
            </div>
          );
        })}
      </div>
    </div>
  );
}
