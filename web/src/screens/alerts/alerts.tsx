// The alert desk: causes beside the one that is open. What arrives waits in a counter, so that the list
// never moves under the reader; a past moment is read, not acted upon.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem, call, type Problem } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { clock, dayAndClock, secondsOf } from "../../format.ts";
import { useLook, useTone } from "../../parts/arrivals.ts";
import { cityOffset, useCityNow } from "../../parts/city-clock.ts";
import { focusOn, KeyHint, useKeys } from "../../parts/keys.tsx";
import { News } from "../../parts/news.tsx";
import { problemWords, useLoad, useReadAgain } from "../../parts/load.tsx";
import { go, usePlace } from "../../router.ts";
import { readAreas } from "../loops/definitions.ts";
import { AlertPane } from "./detail.tsx";
import { CauseList, deskId, statementWords } from "./list.tsx";
import { idsOf, type Desk, type Item } from "./words.ts";

const pageSize = 100;

interface Reader {
  permissions: readonly string[];
}

interface Kept {
  desk: Desk | null;
  items: Item[];
  judged: Item[];
  problem: Problem | null;
}

const nothing: Kept = { desk: null, items: [], judged: [], problem: null };

const read = (asOf: string, after: string | null): Promise<Desk> =>
  call("GET /api/v1/alerts", {
    query: { trail: "true", limit: pageSize, ...(asOf && { as_of: asOf }), ...(after && { after }) },
  });

/** What was judged on the day that is shown, the latest first. */
async function readJudged(asOf: string, day: string): Promise<Item[]> {
  const all: Item[] = [];
  let after: string | null = null;
  do {
    const page: Desk = await call("GET /api/v1/alerts", {
      query: {
        state: "judged",
        limit: 1000,
        ...(asOf && { as_of: asOf }),
        ...(after && { after }),
      },
    });
    all.push(...page.items);
    after = page.next;
  } while (after);
  return all
    .filter((item) => item.judged_at?.slice(0, 10) === day)
    .sort((a, b) => ((a.judged_at ?? "") < (b.judged_at ?? "") ? 1 : -1));
}

/** The whole hour some hours from a moment, as the city writes it; never after now. */
function hourFrom(seconds: number, hours: number): string {
  const offset = /([+-])(\d\d):(\d\d)/.exec(cityOffset());
  const ahead = offset
    ? (offset[1] === "-" ? -1 : 1) * (Number(offset[2]) * 3600 + Number(offset[3]) * 60)
    : 0;
  const whole = Math.floor(seconds / 3600) * 3600 + hours * 3600;
  return new Date((whole + ahead) * 1000).toISOString().slice(0, 19) + cityOffset();
}

/** The desk that is shown, and what has changed behind it since. */
function useDesk(asOf: string, newest: number) {
  const [kept, setKept] = useState<Kept>(nothing);
  const [waiting, setWaiting] = useState<Desk | null>(null);
  const [turn, setTurn] = useState(0);
  const reading = useRef(0);
  useEffect(() => {
    const mine = ++reading.current;
    setWaiting(null);
    read(asOf, null)
      .then(async (desk) => {
        const judged = await readJudged(asOf, desk.as_of.slice(0, 10));
        if (mine === reading.current) setKept({ desk, items: desk.items, judged, problem: null });
      })
      .catch((reason: unknown) => {
        if (mine === reading.current) setKept((old) => ({ ...old, problem: asProblem(reason) }));
      });
  }, [asOf, turn]);

  const look = (): void => {
    if (asOf) return;
    const mine = reading.current;
    read("", null).then(
      (desk) => {
        if (mine === reading.current) setWaiting(desk);
      },
      () => {},
    );
  };
  useLook(newest, look);

  async function more(): Promise<void> {
    const after = kept.desk?.next;
    if (!after) return;
    try {
      const desk = await read(asOf, after);
      setKept((old) => ({ ...old, desk, items: [...old.items, ...desk.items], problem: null }));
    } catch (reason) {
      setKept((old) => ({ ...old, problem: asProblem(reason) }));
    }
  }
  return { ...kept, waiting, more, turn, reload: () => setTurn((old) => old + 1) };
}

/** Causes that came since, and shown ones that are not there any more. */
function changes(items: readonly Item[], waiting: Desk | null, whole: boolean) {
  const shown = new Set(items.flatMap(idsOf));
  const there = new Set((waiting?.items ?? []).flatMap(idsOf));
  const news = (waiting?.items ?? []).filter((item) => idsOf(item).some((id) => !shown.has(id)));
  return {
    news: news.length,
    newest: Math.max(0, ...news.flatMap(idsOf)),
    gone: new Set(
      waiting && whole ? items.filter(({ id }) => !there.has(id)).map(({ id }) => id) : [],
    ),
  };
}

/** Whether the list and an alert stand beside each other (widths.css). */
function useBeside(): boolean {
  const wide = useRef(matchMedia("(min-width: 1200px)"));
  const [beside, setBeside] = useState(wide.current.matches);
  useEffect(() => {
    const update = (): void => setBeside(wide.current.matches);
    wide.current.addEventListener("change", update);
    return () => wide.current.removeEventListener("change", update);
  }, []);
  return beside;
}

function titleOf(desk: Desk): string {
  const { now, waits, throttled, watched } = desk.budget;
  if (now && waits) return t("deskTitleWaits", { count: now, waits });
  if (now) return t("deskTitle", { count: now });
  if (throttled + watched) return t("deskQuietLeft", { throttled, watched });
  const { night, series } = desk.statement;
  return t(night && series !== 0 ? "deskQuiet" : "deskUnknown");
}

function Past({ asOf, onMove, onNow }: { asOf: string; onMove(hours: number): void; onNow(): void }): JSX.Element {
  return (
    <div class="past" role="status">
      <b>{t("pastBanner", { time: dayAndClock(asOf) })}</b>
      <button class="button slim" type="button" onClick={() => onMove(-1)}>
        {t("pastBack")} <kbd>←</kbd>
      </button>
      <button class="button slim" type="button" onClick={() => onMove(1)}>
        {t("pastOn")} <kbd>→</kbd>
      </button>
      <button class="button slim" type="button" onClick={onNow}>
        {t("pastNow")} <kbd>End</kbd>
      </button>
    </div>
  );
}

interface DeskHeadProps {
  desk: Desk;
  news: number;
  past: boolean;
  /** The last full hour, which can be looked back at; "" where none is offered. */
  pastHour: string;
  onReload(): void;
  onPast(moment: string): void;
}

function DeskHead({ desk, news, past, pastHour, onReload, onPast }: DeskHeadProps): JSX.Element {
  return (
    <header class="desk-head">
      <div class="bar-line">
        <h1>{titleOf(desk)}</h1>
        <span class="push-right bar-line">
          {pastHour && (
            <button class="button slim" type="button" onClick={() => onPast(pastHour)}>
              {t("pastLook", { time: clock(pastHour) })}
            </button>
          )}
          <News
            count={news}
            words={t("deskNews", { count: news })}
            hint={t("deskNewsHint")}
            past={past}
            onTake={onReload}
          />
          <KeyHint keys={["Enter"]}>{t("keysOpen")}</KeyHint>
          <KeyHint keys={["1–5"]}>{t("keysVerdict")}</KeyHint>
        </span>
      </div>
      <p class="small dim" data-statement>
        {statementWords(desk)}
      </p>
    </header>
  );
}

export function AlertsScreen({ reader, newest }: { reader: Reader; newest: number }): JSX.Element {
  const { path, query } = usePlace();
  const asOf = query.get("as_of") ?? "";
  const id = Number(/^\/alerts\/([1-9]\d{0,15})$/.exec(path)?.[1] ?? 0);
  const suffix = asOf ? `?${new URLSearchParams({ as_of: asOf }).toString()}` : "";
  const { desk, items, judged, problem, waiting, more, turn, reload } = useDesk(asOf, newest);
  useReadAgain(problem, reload);
  const now = useCityNow();
  const [chosen, setChosen] = useState(0);
  const [said, setSaid] = useState<{ words: string; good: boolean } | null>(null);
  useLoad("areas", readAreas); // the rows are drawn again when the names come
  const { news, newest: newestAlert, gone } = changes(items, waiting, !desk?.next);
  useTone(newestAlert ? `alert-${newestAlert}` : "");
  useEffect(() => {
    const wanted = id || chosen;
    setChosen(items.some((item) => item.id === wanted) ? wanted : (items[0]?.id ?? 0));
  }, [items]);
  const isRead = desk !== null;
  useEffect(() => {
    if (isRead && !id) focusOn(deskId);
  }, [isRead]);

  const beside = useBeside();
  const shown = id || (beside ? chosen : 0);

  const open = (one: number): void => {
    setSaid(null);
    go(`/alerts/${one}${suffix}`);
  };
  const back = (): void => {
    setSaid(null);
    go(`/alerts${suffix}`);
    requestAnimationFrame(() => focusOn(deskId));
  };
  /** What came of it stands above the alert, which stays open with what was found. */
  const tell = (what: { words: string; good: boolean }): void => {
    setSaid(what);
    go(`/alerts/${shown}${suffix}`);
    reload();
  };
  const moveTo = (moment: string): void =>
    go(`${id ? `/alerts/${id}` : "/alerts"}${moment ? `?${new URLSearchParams({ as_of: moment }).toString()}` : ""}`);
  const move = (hours: number): void => {
    const then = hourFrom(secondsOf(asOf), hours);
    moveTo(now !== null && secondsOf(then) > now ? "" : then);
  };
  const step = (by: number): void => {
    const at = items.findIndex((item) => item.id === chosen);
    const next = items[Math.max(0, Math.min(items.length - 1, at + by))];
    if (next) setChosen(next.id);
  };
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    Enter: () => chosen && open(chosen),
    r: () => news && reload(),
    Escape: () => id && back(),
    ...(asOf && { ArrowLeft: () => move(-1), ArrowRight: () => move(1), End: () => moveTo("") }),
  });
  const lead = items.find((item) => item.id === shown) ?? null;
  return (
    <div class={`desk${id ? " with-detail" : ""}${asOf ? " then" : ""}`}>
      <div class="desk-list">
        {asOf && <Past asOf={asOf} onMove={move} onNow={() => moveTo("")} />}
        {problem && (
          <div class="notice bad" role="alert">
            <span>{problemWords(problem)}</span>
            <button class="button slim" type="button" onClick={reload}>
              {t("retry")}
            </button>
          </div>
        )}
        {!desk && !problem && (
          <p class="page dim" role="status">
            {t("loading")}…
          </p>
        )}
        {desk && (
          <>
            <DeskHead
              desk={desk}
              news={news}
              past={Boolean(asOf)}
              pastHour={asOf || now === null ? "" : hourFrom(now, 0)}
              onReload={reload}
              onPast={moveTo}
            />
            <CauseList
              desk={desk}
              items={items}
              judged={judged}
              chosen={chosen}
              open={id}
              gone={gone}
              onChoose={setChosen}
              onOpen={open}
              onMore={() => void more()}
            />
          </>
        )}
      </div>
      <div class="desk-detail">
        {said && (
          <p class={`notice ${said.good ? "good" : "bad"}`} role={said.good ? "status" : "alert"}>
            {said.words}
          </p>
        )}
        {shown ? (
          <AlertPane
            key={shown}
            id={shown}
            opened={id > 0}
            item={lead}
            detectors={desk?.detectors ?? []}
            asOf={asOf}
            mayJudge={reader.permissions.includes("alert.judge")}
            turn={turn}
            onBack={back}
            onDone={(words) => tell({ words, good: true })}
            onConflict={(words) => tell({ words, good: false })}
          />
        ) : (
          <p class="page dim">{t("alertHint")}</p>
        )}
      </div>
    </div>
  );
}
