// A list of any length that draws only the rows in view. One stop for Tab; J K, arrows, Home, End
// and page keys move the chosen row, Enter opens it. The chosen row stays chosen when rows arrive.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

interface Props<T> {
  id: string;
  label: string;
  rows: readonly T[];
  /** All rows that there are, loaded or not. */
  total: number;
  rowHeight: number;
  rowClass: string;
  selected: number;
  onSelect(index: number): void;
  onOpen?(index: number): void;
  /** The end of what is loaded came into view. */
  onEnd?(): void;
  keyOf(row: T): string | number;
  children(row: T, index: number): ComponentChildren;
}

const overscan = 6;

/** True where the key belongs to a field that is being typed in, or to a browser's own shortcut. */
export function keyIsTaken(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement;
  return (
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    event.defaultPrevented ||
    target.tagName === "INPUT" ||
    target.tagName === "SELECT" ||
    target.tagName === "TEXTAREA"
  );
}

export function VirtualList<T>(props: Props<T>): JSX.Element {
  const { id, rows, rowHeight, selected, onSelect, onOpen, onEnd } = props;
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = (): void => setView({ top: element.scrollTop, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useLayoutEffect(() => {
    const element = box.current;
    if (!element || selected < 0) return;
    const top = selected * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = top + rowHeight - element.clientHeight;
  }, [selected, rowHeight]);

  const first = Math.max(0, Math.floor(view.top / rowHeight) - overscan);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / rowHeight) + overscan);
  const nearEnd = last >= rows.length;
  useEffect(() => {
    if (nearEnd) onEnd?.();
  }, [nearEnd, rows.length]);

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
    if (step !== undefined && rows.length) {
      onSelect(Math.max(0, Math.min(rows.length - 1, selected + step)));
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
      aria-activedescendant={selected >= first && selected < last ? `${id}-${selected}` : undefined}
      onKeyDown={onKey}
      onScroll={() =>
        box.current && setView({ top: box.current.scrollTop, height: box.current.clientHeight })
      }
    >
      <div class="fill" role="presentation" style={{ height: `${rows.length * rowHeight}px` }}>
        {drawn.map((row, i) => {
          const index = first + i;
          return (
            <div
              key={props.keyOf(row)}
              id={`${id}-${index}`}
              role="option"
              class={`row ${props.rowClass}`}
              aria-selected={index === selected}
              aria-posinset={index + 1}
              aria-setsize={props.total}
              style={{ top: `${index * rowHeight}px`, height: `${rowHeight}px` }}
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
