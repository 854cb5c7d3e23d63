// The list behind a cell: venues by number, narrowed by area, category, state and name. Pages are
// read as the list is scrolled.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { areaName } from "../../format.ts";
import { Icon } from "../../parts/icons.tsx";
import { Filter, focusOn, KeyHint, offerFocus, useKeys } from "../../parts/keys.tsx";
import { problemWords, useLoad } from "../../parts/load.tsx";
import { usePages } from "../../parts/pages.ts";
import { useChosen, VirtualList } from "../../parts/virtual-list.tsx";
import { categoryNames } from "../../policy-names.ts";
import { readAreas } from "../loops/definitions.ts";
import { states, type Narrowing } from "./address.ts";
import { categoryWords, lastWords, standingOf, type Row } from "./figures.ts";

export const listId = "venue-list";
const filterId = "venue-filter";
const pageSize = 200;
const rowHeight = 54;

interface Props {
  narrowing: Narrowing;
  /** Changes whenever the list is to be read anew. */
  turn: number;
  /** The row that was open last, so that Esc comes back to it. */
  open: number;
  /** Whether the list takes the focus when it is there; asked once. */
  takesFocus(): boolean;
  onNarrow(change: Partial<Narrowing>): void;
  onOpen(no: number): void;
}

function RowWords({ row, knownFrom }: { row: Row; knownFrom: string | null }): JSX.Element {
  const { icon, tone, words } = standingOf(row);
  return (
    <>
      <span class={`shape ${tone}`}>
        <Icon name={icon} />
      </span>
      <span class="what">
        <b class="cut">{row.name || t("venueNameless", { no: row.no })}</b>
        <span class="cut small dim">
          {categoryWords(row.category)} · {areaName(row.area)}
        </span>
      </span>
      <span class="last small dim">{lastWords(row.last_scan_at, knownFrom)}</span>
      <span class={`state small ${tone}`}>{words}</span>
    </>
  );
}

function Filters({ narrowing, onNarrow }: Pick<Props, "narrowing" | "onNarrow">): JSX.Element {
  const areas = useLoad("areas", readAreas);
  const own = [...(areas.value?.values() ?? [])].filter((area) => area.own);
  const [typed, setTyped] = useState(narrowing.name);
  useEffect(() => setTyped(narrowing.name), [narrowing.name]);
  useEffect(() => {
    if (typed === narrowing.name) return;
    const timer = setTimeout(() => onNarrow({ name: typed }), 250);
    return () => clearTimeout(timer);
  }, [typed]);
  const categories = Object.keys(categoryNames);
  return (
    <>
      <div class="bar-line">
        <div class="switch" role="group" aria-label={t("venueStates")}>
          {states.map((state) => (
            <button
              key={state}
              type="button"
              data-state={state}
              aria-pressed={state === narrowing.state}
              onClick={() => onNarrow({ state })}
            >
              {state ? t(`venue_${state}`) : t("venueAny")}
            </button>
          ))}
        </div>
      </div>
      <div class="bar-line">
        <select
          aria-label={t("venueArea")}
          value={narrowing.area}
          onChange={(event) => onNarrow({ area: event.currentTarget.value })}
        >
          <option value="">{t("venueAreaAll")}</option>
          {own.map((area) => (
            <option key={area.code} value={area.code}>
              {area.level > 2 ? `\u3000${areaName(area)}` : areaName(area)}
            </option>
          ))}
        </select>
        <select
          aria-label={t("thCategory")}
          value={narrowing.category}
          onChange={(event) => onNarrow({ category: event.currentTarget.value })}
        >
          <option value="">{t("categoryAll")}</option>
          {categories.map((category) => (
            <option key={category} value={category}>
              {categoryWords(category)}
            </option>
          ))}
        </select>
        <Filter
          id={filterId}
          label={t("venueName")}
          value={typed}
          onInput={setTyped}
          onLeave={() => focusOn(listId)}
        />
      </div>
    </>
  );
}

export function VenueList(props: Props): JSX.Element {
  const { narrowing, turn, open, onOpen } = props;
  const { area, category, state, name } = narrowing;
  const pages = usePages(
    `venues ${area} ${category} ${state} ${name}`,
    (after) =>
      call("GET /api/v1/venues", {
        query: { area, category, state, name, limit: pageSize, after },
      }),
    { endless: true, turn },
  );
  const { rows } = pages;
  const [chosen, setChosen] = useChosen(rows, pages.base, (row) => row.no, open || null);
  useEffect(() => {
    if (pages.read && rows.length && props.takesFocus()) offerFocus(listId);
  }, [pages.read]);
  const openRow = (index: number): void => {
    const row = rows[index];
    if (row) onOpen(row.no);
  };
  useKeys({
    "/": () => focusOn(filterId),
    j: () => setChosen(Math.min(rows.length - 1, chosen + 1)),
    k: () => setChosen(Math.max(0, chosen - 1)),
    Enter: () => openRow(chosen),
  });
  return (
    <section class="venue-list" aria-label={t("venueListLabel")}>
      <div class="bar-line">
        <h2>{t("venueListTitle")}</h2>
        <KeyHint keys={["J", "K"]}>{t("keysMove")}</KeyHint>
        <KeyHint keys={["Enter"]}>{t("keysOpen")}</KeyHint>
        <KeyHint keys={["/"]}>{t("keysFilter")}</KeyHint>
      </div>
      <Filters narrowing={narrowing} onNarrow={props.onNarrow} />
      {pages.problem && (
        <div class="notice bad" role="alert">
          <span>{problemWords(pages.problem)}</span>
          <button class="button slim" type="button" onClick={() => pages.more()}>
            {t("retry")}
          </button>
        </div>
      )}
      {!pages.read && !pages.problem && (
        <p class="dim" role="status">
          {t("loading")}…
        </p>
      )}
      {pages.read && !rows.length && <p class="empty">{t("venueListEmpty")}</p>}
      {rows.length > 0 && (
        <VirtualList
          id={listId}
          label={t("venueListLabel")}
          rows={rows}
          total={pages.next ? -1 : rows.length}
          rowHeight={rowHeight}
          rowClass="venue-row"
          selected={chosen}
          onSelect={setChosen}
          onOpen={openRow}
          base={pages.base}
          onEnd={() => !pages.problem && pages.next && pages.more()}
          onGone={pages.around}
          keyOf={(row) => row.no}
        >
          {(row) => <RowWords row={row} knownFrom={pages.last?.known_from ?? null} />}
        </VirtualList>
      )}
    </section>
  );
}
