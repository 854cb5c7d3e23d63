// Who may have been exposed: by weight, with why. Pages are read as the list is scrolled; the
// server records each of them.
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { call, Problem, type Answer } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { count, dayAndClock, duration } from "../../format.ts";
import { ColorChip } from "../../parts/color-chip.tsx";
import { Filter, focusOn, KeyHint, useKeys } from "../../parts/keys.tsx";
import { problemWords } from "../../parts/load.tsx";
import { VirtualList } from "../../parts/virtual-list.tsx";
import { follow } from "../../router.ts";

type Page = Answer<"GET /api/v1/cases/{id}/exposures">;
type Exposed = Page["items"][number];

const pageSize = 100;
const placesListed = 20;
const listId = "exposed-list";
const filterId = "exposed-filter";

interface Pages {
  rows: Exposed[];
  total: number;
  /** Stays while infectious that were looked around. */
  visits: number;
  next: string | null;
  problem: Problem | null;
  state: "reading" | "idle";
}

/** Never 0.00 of what is there. */
const weightWords = (weight: number): string =>
  weight < 0.005 ? t("weightLeast") : weight.toFixed(2);

const nameOf = (row: Exposed): string => row.name ?? t("person", { no: row.person_no });

const matches = (row: Exposed, text: string): boolean =>
  `${row.name ?? ""} ${row.person_no} ${row.places.map((place) => place.venue ?? "").join(" ")}`
    .toLowerCase()
    .includes(text);

function Places({ row, id }: { row: Exposed | undefined; id: number }): JSX.Element {
  if (!row) return <p class="quiet">{t("placesHint")}</p>;
  return (
    <section class="places" aria-live="polite" data-places={row.person_no}>
      <h3>{t("placesTitle", { name: nameOf(row) })}</h3>
      {row.color !== null && (
        <p class="small">
          <a href={`/people/${row.person_no}?for=case:${id}`} onClick={follow}>
            {t("placesDossier", { no: row.person_no })}
          </a>
        </p>
      )}
      <ul>
        {row.places.map((place, i) => (
          <li key={i}>
            <b>{weightWords(place.weight)}</b>
            <span>
              {place.venue ?? `#${place.venue_no}`}
              <br />
              <span class="meta">
                {t("placeLine", {
                  index: dayAndClock(place.index_time),
                  time: dayAndClock(place.time),
                  gap: duration(place.gap_s),
                })}
              </span>
            </span>
          </li>
        ))}
      </ul>
      {row.co_visits > row.places.length && (
        <p class="quiet">{t("placesMore", { count: placesListed })}</p>
      )}
    </section>
  );
}

function ExposedRow({ row, rank }: { row: Exposed; rank: number }): JSX.Element {
  const first = row.places[0];
  return (
    <>
      <span class="quiet">{rank}</span>
      <span class="weight">
        {weightWords(row.weight)}
        <span class="track" aria-hidden="true">
          <i style={{ width: `${Math.min(1, row.weight) * 100}%` }} />
        </span>
      </span>
      <span class="cut">
        <b>{nameOf(row)}</b>
        {first && (
          <>
            {"　"}
            {first.venue ?? `#${first.venue_no}`}
          </>
        )}
        <br />
        <span class="meta">
          {t("why", { places: count(row.co_visits), gap: duration(row.closest_gap_s) })}
        </span>
      </span>
      <span>
        <ColorChip color={row.color} />
      </span>
    </>
  );
}

interface Props {
  id: number;
  purpose: string;
  onBack(): void;
}

export function ExposedList({ id, purpose, onBack }: Props): JSX.Element {
  const [pages, setPages] = useState<Pages>({
    rows: [],
    total: 0,
    visits: 0,
    next: null,
    problem: null,
    state: "reading",
  });
  const [filter, setFilter] = useState("");
  const [chosen, setChosen] = useState(0);
  const [opened, setOpened] = useState(0);

  // Scrolling and filtering may both want the next page: it is read once.
  const reading = useRef(false);

  async function readMore(after: string | null): Promise<void> {
    if (reading.current) return;
    reading.current = true;
    setPages((old) => ({ ...old, state: "reading" }));
    try {
      const query = { limit: pageSize, ...(after && { after }) };
      const page = await call("GET /api/v1/cases/{id}/exposures", { path: { id }, query, purpose });
      setPages((old) => ({
        rows: [...old.rows, ...page.items],
        total: page.summary.exposed,
        visits: page.summary.visits,
        next: page.next,
        problem: null,
        state: "idle",
      }));
    } catch (reason) {
      const problem = reason instanceof Problem ? reason : new Problem(-1, "", String(reason));
      setPages((old) => ({ ...old, problem, state: "idle" }));
    } finally {
      reading.current = false;
    }
  }
  useEffect(() => void readMore(null), []);

  const text = filter.trim().toLowerCase();
  const rows = useMemo(
    () => (text ? pages.rows.filter((row) => matches(row, text)) : pages.rows),
    [pages.rows, text],
  );
  // A filter that is typed in looks at everybody: the rest is read page by page.
  useEffect(() => {
    if (text && pages.next && pages.state === "idle" && !pages.problem) void readMore(pages.next);
  }, [text, pages]);
  useEffect(() => setChosen(0), [text]);

  useKeys({
    "/": () => focusOn(filterId),
    Escape: onBack,
    j: () => setChosen(Math.min(rows.length - 1, chosen + 1)),
    J: () => setChosen(Math.min(rows.length - 1, chosen + 1)),
    k: () => setChosen(Math.max(0, chosen - 1)),
    K: () => setChosen(Math.max(0, chosen - 1)),
    Enter: () => setOpened(rows[chosen]?.person_no ?? 0),
  });

  if (pages.problem && !pages.rows.length)
    return (
      <div class="notice" role="alert">
        <span>
          {pages.problem.status === 403 ? t("exposedForbidden") : problemWords(pages.problem)}
        </span>
        {pages.problem.status !== 403 && (
          <button class="button slim" type="button" onClick={() => void readMore(null)}>
            {t("retry")}
          </button>
        )}
      </div>
    );
  if (!pages.rows.length)
    return pages.state === "reading" ? (
      <p class="dim" role="status">
        {t("loading")}…
      </p>
    ) : (
      <>
        <h2 id="exposed-title">{t("exposedTitleNone")}</h2>
        <p>{t(pages.visits ? "exposedNone" : "exposedNoVisit")}</p>
      </>
    );
  return (
    <>
      <h2 id="exposed-title">{t("exposedTitle", { count: count(pages.total) })}</h2>
      <p class="small dim">{t("exposedHint")}</p>
      <div class="bar-line">
        <Filter
          id={filterId}
          label={t("exposedFilter")}
          value={filter}
          onInput={setFilter}
          onLeave={() => focusOn(listId)}
        />
        <span class="small dim" role="status">
          {text && !rows.length && !pages.next
            ? t("exposedNoMatch", { text: filter })
            : t("exposedLoaded", { loaded: count(pages.rows.length), count: count(pages.total) })}
        </span>
        <KeyHint keys={["J", "K", "Enter"]}>{t("keysOpen")}</KeyHint>
      </div>
      <div class="exposed-box">
        <VirtualList
          id={listId}
          label={t("exposedTitle", { count: count(pages.total) })}
          rows={rows}
          total={text ? rows.length : pages.total}
          rowHeight={54}
          rowClass="exposed-row"
          selected={chosen}
          onSelect={setChosen}
          onOpen={(index) => setOpened(rows[index]?.person_no ?? 0)}
          onEnd={() =>
            pages.next && pages.state === "idle" && !pages.problem && void readMore(pages.next)
          }
          keyOf={(row) => row.person_no}
        >
          {(row) => <ExposedRow row={row} rank={pages.rows.indexOf(row) + 1} />}
        </VirtualList>
      </div>
      <Places id={id} row={pages.rows.find((row) => row.person_no === opened)} />
    </>
  );
}
