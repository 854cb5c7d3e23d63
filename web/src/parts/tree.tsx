// A tree by keys: one stop for Tab, arrows move, → opens or goes in, ← closes or goes out, Home, End,
// Enter acts. The rows that are seen are one list; their level stands beside each.
import type { ComponentChildren, JSX } from "preact";
import { useRef, useState } from "preact/hooks";

export interface Branch {
  id: string;
  /** What is shown of it. */
  row: ComponentChildren;
  children?: readonly Branch[];
  /** Open when the tree is drawn first. */
  open?: boolean;
  /** It has children that are not read yet. */
  onFirstOpen?(): void;
  onEnter?(): void;
}

interface Seen {
  branch: Branch;
  level: number;
  place: number;
  size: number;
  parent: string | null;
}

const hasMore = (branch: Branch): boolean => Boolean(branch.children?.length || branch.onFirstOpen);

export function Tree({ label, branches }: { label: string; branches: readonly Branch[] }): JSX.Element {
  const [turned, setTurned] = useState<ReadonlyMap<string, boolean>>(new Map());
  const [chosen, setChosen] = useState("");
  const list = useRef<HTMLUListElement>(null);
  const isOpen = (branch: Branch): boolean => turned.get(branch.id) ?? branch.open ?? false;

  const seen: Seen[] = [];
  const walk = (all: readonly Branch[], level: number, parent: string | null): void =>
    all.forEach((branch, i) => {
      seen.push({ branch, level, place: i + 1, size: all.length, parent });
      if (isOpen(branch)) walk(branch.children ?? [], level + 1, branch.id);
    });
  walk(branches, 1, null);
  const at = Math.max(0, seen.findIndex(({ branch }) => branch.id === chosen));

  const turn = (branch: Branch, open: boolean): void => {
    if (open && !branch.children?.length) branch.onFirstOpen?.();
    setTurned(new Map(turned).set(branch.id, open));
  };
  const moveTo = (index: number): void => {
    const to = Math.max(0, Math.min(seen.length - 1, index));
    setChosen(seen[to]?.branch.id ?? "");
    (list.current?.children[to] as HTMLElement | undefined)?.focus();
  };
  const onKey = (event: KeyboardEvent): void => {
    const one = seen[at];
    if (!one || event.ctrlKey || event.metaKey || event.altKey) return;
    const { branch, parent } = one;
    const acts: Record<string, () => void> = {
      ArrowDown: () => moveTo(at + 1),
      ArrowUp: () => moveTo(at - 1),
      Home: () => moveTo(0),
      End: () => moveTo(seen.length - 1),
      ArrowRight: () =>
        hasMore(branch) && !isOpen(branch) ? turn(branch, true) : hasMore(branch) && moveTo(at + 1),
      ArrowLeft: () =>
        hasMore(branch) && isOpen(branch)
          ? turn(branch, false)
          : parent && moveTo(seen.findIndex((other) => other.branch.id === parent)),
      Enter: () => (branch.onEnter ? branch.onEnter() : turn(branch, !isOpen(branch))),
    };
    const act = acts[event.key];
    if (!act) return;
    act();
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <ul ref={list} class="tree" role="tree" aria-label={label} onKeyDown={onKey}>
      {seen.map(({ branch, level, place, size }, i) => (
        <li
          key={branch.id}
          role="treeitem"
          aria-level={level}
          aria-posinset={place}
          aria-setsize={size}
          aria-selected={i === at}
          {...(hasMore(branch) && { "aria-expanded": isOpen(branch) })}
          tabIndex={i === at ? 0 : -1}
          style={{ paddingInlineStart: `${(level - 1) * 1.25}rem` }}
          onFocus={() => setChosen(branch.id)}
        >
          <span
            class={hasMore(branch) ? (isOpen(branch) ? "turn open" : "turn") : "turn leaf"}
            aria-hidden="true"
            onClick={() => hasMore(branch) && turn(branch, !isOpen(branch))}
          />
          <span
            class={branch.onEnter ? "branch door" : "branch"}
            onClick={() => (branch.onEnter ? branch.onEnter() : turn(branch, !isOpen(branch)))}
          >
            {branch.row}
          </span>
        </li>
      ))}
    </ul>
  );
}
