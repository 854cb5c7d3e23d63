// The lists of loops: the reader's own, what was escalated to them, their area's, the overdue and the
// closed. Pages are read as the list is scrolled; a later reading never moves the chosen row.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, type Answer } from "../../api/client.ts";
import { t, type WordKey } from "../../catalogue.ts";
import { count, secondsOf } from "../../format.ts";
import { newcomers, useLook, useTone } from "../../parts/arrivals.ts";
import { useCityNow } from "../../parts/city-clock.ts";
import { Icon } from "../../parts/icons.tsx";
import { focusOn, KeyHint, offerFocus, useKeys } from "../../parts/keys.tsx";
import { News } from "../../parts/news.tsx";
import { problemWords, useLoad } from "../../parts/load.tsx";
import { usePages, type Pages } from "../../parts/pages.ts";
import { useChosen, VirtualList } from "../../parts/virtual-list.tsx";
import { FromTime, hasTimes } from "./from-time.tsx";
import { areaWords, readAreas, say, type SceneHead } from "./definitions.ts";
import { listId, seatWords, standing, subjectWords, type Row } from "./words.ts";

const pageSize = 200;
const lookMost = 1000;
const rowHeight = 58;

export const lists = ["me", "told", "area", "overdue", "closed"] as const;
export type ListName = (typeof lists)[number];

/** Which list an address names; who looks after no areas has the first two only. */
export const listNamed = (name: string | null, ofAreas: boolean): ListName => {
  const known = lists.find((one) => one === name);
  if (known && (ofAreas || known === "me" || known === "told" || known === "overdue")) return known;
  return ofAreas ? "area" : "me";
};

/** Of the past only what areas had is told. */
export const pastLists: readonly ListName[] = ["area", "overdue", "closed"];

function queryOf({ list, scene, ofAreas, moment }: Props): Record<string, string> {
  const shared: Record<string, string> = {
    ...(scene && { scene }),
    ...(moment && { as_of: moment }),
  };
  if (list === "overdue") return { ...shared, owner: ofAreas ? "area" : "me", overdue: "true" };
  if (list === "closed") return { ...shared, state: "closed", owner: "area" };
  return { ...shared, owner: list };
}

type Counts = Answer<"GET /api/v1/loops:counts">["items"];

/** Sums of the counters that the server keeps with every act. */
const sumOf = (counts: Counts, scene: string, part: "open" | "overdue"): number =>
  counts
    .filter((one) => !scene || one.scene === scene)
    .reduce((sum, one) => sum + one[part], 0);

interface Props {
  list: ListName;
  scene: string;
  scenes: readonly SceneHead[];
  ofAreas: boolean;
  mayAct: boolean;
  /** The hour that is looked at; "" is now. */
  moment: string;
  /** The list begins at that time; "" is its beginning. */
  from: string;
  /** Number of the loop that is open beside the list, 0 where none. */
  open: number;
  marked: ReadonlyMap<number, Row>;
  /** Changes whenever the list is to be read anew. */
  turn: number;
  /** The newest of the reader's own notices. */
  newest: number;
  onReload(): void;
  onList(list: ListName): void;
  onScene(scene: string): void;
  onFrom(from: string): void;
  onOpen(id: number): void;
  onNew(): void;
  onMark(row: Row): void;
  onUnmark(): void;
  onBulk(): void;
  bulkRefusal: string;
}

const thenWords: Partial<Record<ListName, WordKey>> = {
  area: "list_then",
  overdue: "list_then_overdue",
  closed: "list_then_closed",
};
const listWords = (list: ListName, moment: string): string =>
  t((moment && thenWords[list]) || `list_${list}`);

function Tabs(props: Props & { counts: Counts | null }): JSX.Element {
  const { list, scene, ofAreas, moment, counts, onList } = props;
  const figure = (one: ListName): string => {
    if (!counts || (one !== "area" && one !== "overdue")) return "";
    return ` ${count(sumOf(counts, scene, one === "area" ? "open" : "overdue"))}`;
  };
  const shown = moment
    ? pastLists
    : lists.filter((one) => ofAreas || one === "me" || one === "told" || one === "overdue");
  return (
    <div class="switch" role="group" aria-label={t("listGroup")}>
      {shown.map((one) => (
        <button
          key={one}
          type="button"
          data-list={one}
          aria-pressed={one === list}
          onClick={() => onList(one)}
        >
          {listWords(one, moment)}
          {figure(one)}
        </button>
      ))}
    </div>
  );
}

function RowWords({ row, marked, now, onMark }: { row: Row; marked: boolean; now: number | null; onMark: (() => void) | null }): JSX.Element {
  const { tone, icon, words, used } = standing(row, now);
  const about = [subjectWords(row.subject), row.subject.kind === "area" ? "" : areaWords(row.area)]
    .filter(Boolean)
    .join(" · ");
  return (
    <>
      <span
        class={`tick${marked ? " on" : ""}${onMark ? "" : " none"}`}
        onClick={(event) => {
          event.stopPropagation();
          onMark?.();
        }}
      >
        {marked && <Icon name="tick" />}
        {marked && <span class="sr">{t("marked")}</span>}
      </span>
      <span class={`shape ${tone}`}>
        <Icon name={icon} />
      </span>
      <span class="what">
        <b class="cut">{say(row.title)}</b>
        <span class="cut small dim">
          {t("loopNumber", { id: row.id })}
          {about && ` · ${about}`}
        </span>
      </span>
      <span class="whose">
        <span class="cut small">{say(row.stage_title)}</span>
        <span class="cut small dim">
          {row.claimed_by ? t("heldShort", { name: row.claimed_by }) : seatWords(row.owner)}
        </span>
      </span>
      <span class={`row-clock ${tone}`}>
        <b>{words}</b>
        {used !== null && <span class="track"><i style={{ width: `${used * 100}%` }} /></span>}
      </span>
    </>
  );
}

/** What came since the list was read, in the part of it that was read: it waits until it is taken in. */
function useNews(props: Props, pages: Pages<Row>): Row[] {
  const { list, scene, moment, from, turn, newest } = props;
  const [news, setNews] = useState<Row[]>([]);
  const { rows, after, next } = pages;
  const shown = useRef(rows);
  shown.current = rows;
  useEffect(() => setNews([]), [list, scene, moment, from, turn]);
  useLook(newest, () => {
    if (moment || !pages.read) return;
    const limit = Math.min(lookMost, rows.length + pageSize);
    const place = after ? { after } : from ? { from } : {};
    call("GET /api/v1/loops", { query: { ...queryOf(props), ...place, limit } }).then(
      ({ items }) => {
        if (shown.current === rows) setNews(newcomers(rows, next === null, items));
      },
      () => {},
    );
  });
  const last = Math.max(0, ...news.map(({ id }) => id));
  useTone(last ? `loop-${last}` : "");
  return news;
}

export function LoopList(props: Props): JSX.Element {
  const { list, scene, ofAreas, open, marked, turn, onOpen, onMark, mayAct, moment } = props;
  const cityNow = useCityNow();
  const now = moment ? secondsOf(moment) : cityNow;
  useLoad("areas", readAreas); // the rows are drawn again when the names come
  const counts = useLoad(ofAreas && !moment ? `counts-${turn}` : null, (signal) =>
    call("GET /api/v1/loops:counts", { signal }),
  );
  const [keptCounts, setKeptCounts] = useState<Counts | null>(null);
  useEffect(() => {
    if (counts.value || moment) setKeptCounts(counts.value?.items ?? null);
  }, [counts.value, moment]);

  const { from } = props;
  const listKey = `${list} ${scene} ${moment} ${from}`;
  const pages = usePages(
    `loops ${listKey}`,
    (after) =>
      call("GET /api/v1/loops", {
        query: { ...queryOf(props), limit: pageSize, after, ...(!after && from && { from }) },
      }),
    { endless: true, turn },
  );
  const [asksTime, setAsksTime] = useState(false);
  const { rows } = pages;
  const [byHand, choose] = useChosen(rows, pages.base, (row) => row.id);
  const chosen = open ? rows.findIndex((row) => row.id === open) : byHand;
  const news = useNews(props, pages);
  useEffect(() => {
    if (pages.read && rows.length && !open) offerFocus(listId);
  }, [pages.read, list, scene]);

  const openRow = (index: number): void => {
    const row = rows[index];
    if (row) onOpen(row.id);
  };
  const markRow = (): void => {
    const row = rows[chosen];
    if (row && mayAct && row.state === "open") onMark(row);
  };
  useKeys({
    "/": () => focusOn("loop-scene"),
    ...(hasTimes(props) && {
      g: () => {
        setAsksTime(true);
        focusOn("loop-from");
      },
    }),
    j: () => choose(Math.min(rows.length - 1, chosen + 1)),
    k: () => choose(Math.max(0, chosen - 1)),
    x: markRow,
    r: () => news.length && props.onReload(),
    Enter: () => openRow(chosen),
  });
  const marks = [...marked.values()];
  return (
    <section class="loop-side" aria-label={t("loopsTitle")}>
      <h1 class="sr">{t("loopsTitle")}</h1>
      <div class="bar-line">
        <Tabs {...props} counts={keptCounts} />
      </div>
      <div class="bar-line">
        <select
          id="loop-scene"
          class="scene-filter"
          aria-label={t("sceneFilter")}
          value={scene}
          onChange={(event) => props.onScene(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            event.stopPropagation();
            focusOn(listId);
          }}
        >
          <option value="">{t("sceneAll")}</option>
          {props.scenes.map((one) => {
            const figure = keptCounts ? sumOf(keptCounts, one.name, "open") : 0;
            return (
              <option key={one.name} value={one.name}>
                {say(one.title)}
                {figure ? ` ${count(figure)}` : ""}
              </option>
            );
          })}
        </select>
        <FromTime {...props} asked={asksTime} onAsk={setAsksTime} />
        {mayAct && (
          <button class="button slim" type="button" onClick={props.onNew}>
            {t("openTitle")} <kbd>N</kbd>
          </button>
        )}
        <News
          count={news.length}
          words={t("listNews", { count: news.length })}
          hint={t("listNewsHint")}
          past={moment !== ""}
          onTake={props.onReload}
        />
        {mayAct && <KeyHint keys={["X"]}>{t("keysMark")}</KeyHint>}
        {moment && list !== "closed" && <span class="quiet">{t("pastOrder")}</span>}
      </div>
      {pages.problem && (
        <div class="notice bad" role="alert">
          <span>{problemWords(pages.problem)}</span>
          <button class="button slim" type="button" onClick={() => pages.more()}>
            {t("retry")}
          </button>
        </div>
      )}
      {!pages.read && !pages.problem && <p class="dim" role="status">{t("loading")}…</p>}
      {pages.read && !rows.length && <p class="empty">{t(moment ? "empty_then" : `empty_${list}`)}</p>}
      {rows.length > 0 && (
        <VirtualList
          key={listKey}
          id={listId}
          label={listWords(list, moment)}
          rows={rows}
          total={pages.next ? -1 : rows.length}
          rowHeight={rowHeight}
          rowClass="loop-row"
          selected={chosen}
          onSelect={choose}
          onOpen={openRow}
          base={pages.base}
          onEnd={() => {
            if (pages.next && !pages.problem) pages.more();
          }}
          onGone={pages.around}
          keyOf={(row) => row.id}
        >
          {(row) => (
            <RowWords
              row={row}
              marked={marked.has(row.id)}
              now={now}
              onMark={mayAct && row.state === "open" ? () => onMark(row) : null}
            />
          )}
        </VirtualList>
      )}
      {mayAct && (
        <div class="marks" role="status">
          {!marks.length && <span class="quiet">{t("marksNone")}</span>}
          {marks.length > 0 && (
            <>
              <b>{t("marksCount", { count: marks.length })}</b>
              <button
                class="button"
                type="button"
                disabled={Boolean(props.bulkRefusal)}
                onClick={props.onBulk}
              >
                {t("bulkOpen")} <kbd>B</kbd>
              </button>
              <button class="button slim" type="button" onClick={props.onUnmark}>
                {t("marksClear")}
              </button>
              {props.bulkRefusal && <span class="quiet">{props.bulkRefusal}</span>}
            </>
          )}
        </div>
      )}
    </section>
  );
}
