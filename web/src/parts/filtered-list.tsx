// A list of any length with a filter over what is loaded, worked by keys: / J K Enter Esc. The row
// that was chosen is found again when the reader comes back.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { t } from "../catalogue.ts";
import { whenForgotten } from "./forget.ts";
import { Filter, focusOn, ListKeys, offerFocus, useKeys } from "./keys.tsx";
import { problemWords } from "./load.tsx";
import type { Pages } from "./pages.ts";
import { useChosen, VirtualList } from "./virtual-list.tsx";

type Key = string | number;

const chosenRows = new Map<string, Key>();
whenForgotten(() => chosenRows.clear());

interface Props<T> {
  id: string;
  /** Under what the chosen row is remembered. */
  memory: string;
  label: string;
  filterLabel: string;
  pages: Pages<T>;
  rowHeight: number;
  rowClass: string;
  head: JSX.Element;
  none: string;
  textOf(row: T): string;
  keyOf(row: T): Key;
  loadedWords(count: number): string;
  noMatchWords(text: string): string;
  onOpen(row: T): void;
  onBack(): void;
  children(row: T): ComponentChildren;
}

export function FilteredList<T>(props: Props<T>): JSX.Element {
  const { id, memory, pages, textOf, keyOf, onOpen, onBack } = props;
  const filterId = `${id}-filter`;
  const [filter, setFilter] = useState("");
  const rows = useMemo(() => {
    const text = filter.trim().toLowerCase();
    return text
      ? pages.rows.filter((row) => textOf(row).toLowerCase().includes(text))
      : pages.rows;
  }, [pages.rows, filter]);
  const [chosen, choose] = useChosen(rows, filter ? 0 : pages.base, keyOf, chosenRows.get(memory) ?? null);
  useEffect(() => {
    if (pages.rows.length) offerFocus(id);
  }, [pages.rows.length > 0]);

  const select = (index: number): void => {
    choose(index);
    const row = rows[index];
    if (row !== undefined) chosenRows.set(memory, keyOf(row));
  };
  const open = (index: number): void => {
    const row = rows[index];
    if (row !== undefined) onOpen(row);
  };
  useKeys({
    "/": () => focusOn(filterId),
    j: () => select(Math.min(rows.length - 1, chosen + 1)),
    k: () => select(Math.max(0, chosen - 1)),
    Enter: () => open(chosen),
    Escape: onBack,
  });
  return (
    <>
      <div class="bar-line">
        <Filter
          id={filterId}
          label={props.filterLabel}
          value={filter}
          onInput={setFilter}
          onLeave={() => focusOn(id)}
        />
        <span class="small dim" role="status">
          {filter && !rows.length
            ? props.noMatchWords(filter)
            : pages.read
              ? props.loadedWords(pages.rows.length)
              : !pages.problem && `${t("loading")}…`}
        </span>
        <ListKeys />
      </div>
      {pages.problem && (
        <div class="notice bad" role="alert">
          <span>{problemWords(pages.problem)}</span>
          <button class="button slim" type="button" onClick={() => pages.more()}>
            {t("retry")}
          </button>
        </div>
      )}
      {pages.read && !pages.rows.length && <p>{props.none}</p>}
      {pages.rows.length > 0 && (
        <div>
          {props.head}
          <div class="case-list-box">
            <VirtualList
              id={id}
              label={props.label}
              rows={rows}
              total={pages.next ? -1 : rows.length}
              rowHeight={props.rowHeight}
              rowClass={props.rowClass}
              selected={chosen}
              onSelect={select}
              onOpen={open}
              base={filter ? 0 : pages.base}
              onEnd={() => {
                if (!pages.problem && pages.next) pages.more(Boolean(filter));
              }}
              onGone={pages.around}
              keyOf={keyOf}
            >
              {props.children}
            </VirtualList>
          </div>
        </div>
      )}
    </>
  );
}
