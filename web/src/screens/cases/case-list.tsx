// The cases of an area: the gate first, then a list of any length. Esc on a case comes back to the
// same row; a purpose that was given for the list holds for this page's life.
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { call, Problem, type Answer } from "../../api/client.ts";
import { t, wordFor } from "../../catalogue.ts";
import { areaName, dayAndClock } from "../../format.ts";
import { PurposeGate } from "../../parts/gate.tsx";
import { Filter, focusOn, ListKeys, useKeys } from "../../parts/keys.tsx";
import { problemWords } from "../../parts/load.tsx";
import { VirtualList } from "../../parts/virtual-list.tsx";
import { go, usePlace } from "../../router.ts";

type Case = Answer<"GET /api/v1/cases">["items"][number];

const pageSize = 200;
const listId = "case-list";
const filterId = "case-filter";

/** What the reader did on this page's life: nothing of it is kept in the browser. */
const kept = { purpose: "", chosen: new Map<string, number>() };

export function forgetCases(): void {
  kept.purpose = "";
  kept.chosen.clear();
}

export const kindWords = (kind: string): string => wordFor("kind", kind) ?? kind;

const matches = (row: Case, text: string): boolean =>
  `${row.id} ${row.name ?? ""} ${areaName(row.area)} ${kindWords(row.kind)}`
    .toLowerCase()
    .includes(text);

interface Pages {
  rows: Case[];
  next: string | null;
  problem: Problem | null;
  busy: boolean;
}

function CaseRows({ area, purpose }: { area: string; purpose: string }): JSX.Element {
  const [pages, setPages] = useState<Pages>({ rows: [], next: "", problem: null, busy: false });
  const [filter, setFilter] = useState("");
  const [chosen, setChosen] = useState(-1);

  const reading = useRef(false);

  async function readMore(after: string): Promise<void> {
    if (reading.current) return;
    reading.current = true;
    setPages((old) => ({ ...old, busy: true }));
    try {
      const query = { limit: pageSize, ...(area && { area }), ...(after && { after }) };
      const page = await call("GET /api/v1/cases", { query, purpose });
      setPages((old) => ({
        rows: [...old.rows, ...page.items],
        next: page.next,
        problem: null,
        busy: false,
      }));
    } catch (reason) {
      const problem = reason instanceof Problem ? reason : new Problem(-1, "", String(reason));
      setPages((old) => ({ ...old, problem, busy: false }));
    } finally {
      reading.current = false;
    }
  }
  useEffect(() => void readMore(""), []);

  const rows = useMemo(() => {
    const text = filter.trim().toLowerCase();
    return text ? pages.rows.filter((row) => matches(row, text)) : pages.rows;
  }, [pages.rows, filter]);
  useEffect(() => {
    const index = rows.findIndex((row) => row.id === kept.chosen.get(area));
    setChosen(index >= 0 ? index : rows.length ? 0 : -1);
  }, [rows]);
  useEffect(() => {
    if (pages.rows.length) focusOn(listId);
  }, [pages.rows.length > 0]);

  const select = (index: number): void => {
    setChosen(index);
    const row = rows[index];
    if (row) kept.chosen.set(area, row.id);
  };
  const open = (index: number): void => {
    const row = rows[index];
    if (row) go(`/cases/${row.id}`);
  };
  useKeys({
    "/": () => focusOn(filterId),
    j: () => select(Math.min(rows.length - 1, chosen + 1)),
    k: () => select(Math.max(0, chosen - 1)),
    Enter: () => open(chosen),
    Escape: () => go(area ? `/?area=${area}` : "/"),
  });

  const end = (): void => {
    if (pages.next && !pages.busy && !pages.problem) void readMore(pages.next);
  };
  return (
    <>
      <div class="bar-line">
        <Filter
          id={filterId}
          label={t("casesFilter")}
          value={filter}
          onInput={setFilter}
          onLeave={() => focusOn(listId)}
        />
        <span class="small dim" role="status">
          {filter && !rows.length
            ? t("casesNoMatch", { text: filter })
            : t("casesLoaded", { count: pages.rows.length })}
        </span>
        <ListKeys />
      </div>
      {pages.problem && (
        <div class="notice bad" role="alert">
          <span>{problemWords(pages.problem)}</span>
          <button class="button slim" type="button" onClick={() => void readMore(pages.next ?? "")}>
            {t("retry")}
          </button>
        </div>
      )}
      {!pages.rows.length && !pages.busy && !pages.problem && <p>{t("casesNone")}</p>}
      {pages.rows.length > 0 && (
        <div>
          <div class="cases-head cases-row" aria-hidden="true">
            <span>{t("thCase")}</span>
            <span>{t("thPerson")}</span>
            <span class="cut">{t("thArea")}</span>
            <span class="mid">{t("thKind")}</span>
            <span class="wide">{t("thSampled")}</span>
            <span class="wide">{t("thReported")}</span>
          </div>
          <div class="case-list-box">
            <VirtualList
              id={listId}
              label={t("casesTitle")}
              rows={rows}
              total={pages.next ? -1 : rows.length}
              rowHeight={44}
              rowClass="cases-row"
              selected={chosen}
              onSelect={select}
              onOpen={open}
              onEnd={end}
              keyOf={(row) => row.id}
            >
              {(row) => (
                <>
                  <b class="keep">{t("caseNumber", { id: row.id })}</b>
                  <span class="keep">{row.name ?? t("nameHidden")}</span>
                  <span class="cut">{areaName(row.area)}</span>
                  <span class="mid cut">{kindWords(row.kind)}</span>
                  <span class="wide keep">{dayAndClock(row.at)}</span>
                  <span class="wide keep">{dayAndClock(row.recorded_at)}</span>
                </>
              )}
            </VirtualList>
          </div>
        </div>
      )}
    </>
  );
}

export function CaseListScreen({
  reader,
  duties,
}: {
  reader: string;
  duties: string[];
}): JSX.Element {
  const area = usePlace().query.get("area") ?? "";
  const [purpose, setPurpose] = useState(kept.purpose);
  useKeys(purpose ? {} : { Escape: () => go("/") });
  const held = [
    { value: "duty:know_cases", words: t("gateDuty") },
    { value: "duty:case_investigation", words: t("gateInvestigate") },
    { value: "duty:case_review", words: t("gateReview") },
  ].filter(({ value }) => duties.includes(value.slice("duty:".length)));
  if (!held.length)
    return (
      <p class="notice bad" role="alert">
        {t("failedForbidden")}
      </p>
    );
  if (!purpose)
    return (
      <PurposeGate
        title={t("gateListTitle")}
        reader={reader}
        purposes={held}
        onOpen={(given) => {
          kept.purpose = given;
          setPurpose(given);
        }}
      />
    );
  return (
    <div class="cases-page">
      <div class="bar-line">
        <h1>{t("casesTitle")}</h1>
        <span class="quiet">{t("caseRecorded", { purpose })}</span>
      </div>
      <CaseRows key={area} area={area} purpose={purpose} />
    </div>
  );
}
