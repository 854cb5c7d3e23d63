// Loops: a list beside the loop that is open. The address names both, so that Esc, a link and the
// browser's own buttons come back to the same row.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { focusOn, useKeys } from "../../parts/keys.tsx";
import { useLoad } from "../../parts/load.tsx";
import { go, usePlace } from "../../router.ts";
import { momentOf, PastNote } from "../../parts/time-bar.tsx";
import { areAlike, BulkPane } from "./bulk.tsx";
import { listNamed, LoopList, pastLists } from "./list.tsx";
import { LoopPane, type Reader } from "./loop.tsx";
import { OpenPane } from "./open.tsx";
import { listId, type Row } from "./words.ts";

const bulkMost = 5000;

export function LoopsScreen({ reader, newest }: { reader: Reader; newest: number }): JSX.Element {
  const { path, query } = usePlace();
  const ofAreas = reader.permissions.includes("loop.area");
  const moment = ofAreas ? momentOf(query) : "";
  const named = listNamed(query.get("list"), ofAreas);
  const list = moment && !pastLists.includes(named) ? "area" : named;
  // The past is looked at; who only looks has no acts.
  const looker = { ...reader, permissions: moment ? ["loop.read", "loop.area"] : reader.permissions };
  const mayAct = looker.permissions.includes("loop.act");
  const scene = query.get("scene") ?? "";
  const from = query.get("from") ?? "";
  const id = Number(/^\/loops\/([1-9]\d{0,15})$/.exec(path)?.[1] ?? 0);
  const [marked, setMarked] = useState<ReadonlyMap<number, Row>>(new Map());
  const [bulk, setBulk] = useState<Row[] | null>(null);
  const [turn, setTurn] = useState(0);
  const [said, setSaid] = useState("");
  const scenes = useLoad("scenes", (signal) => call("GET /api/v1/scenes", { signal }));

  const fields = new URLSearchParams({
    ...(query.get("list") && { list }),
    ...(scene && { scene }),
    ...(moment && { as_of: moment }),
    ...(from && !moment && { from }),
  });
  const suffix = fields.size ? `?${fields.toString()}` : "";
  const narrowed = (change: Record<string, string>): string => {
    const next = new URLSearchParams(fields);
    for (const [name, value] of Object.entries(change))
      if (value) next.set(name, value);
      else next.delete(name);
    return next.size ? `?${next.toString()}` : "";
  };
  const again = (): void => setTurn((old) => old + 1);
  const back = (): void => {
    setBulk(null);
    setSaid("");
    go(`/loops${suffix}`);
    requestAnimationFrame(() => focusOn(listId));
  };
  const rows = [...marked.values()];
  const refusal = !areAlike(rows)
    ? t("bulkUnlike")
    : rows.length > bulkMost
      ? t("bulkTooMany", { most: bulkMost })
      : "";
  const openBulk = (): void => {
    if (rows.length && !refusal) setBulk(rows);
  };
  const openNew = (): void => {
    setBulk(null);
    go(`/loops/new${suffix}`);
  };
  const toNow = (): void => go(`${path}${narrowed({ as_of: "" })}`);
  useKeys({
    ...(mayAct && { n: openNew, b: openBulk }),
    ...(moment && !id && { Escape: toNow }),
  });

  const isNew = path === "/loops/new" && !moment;
  const detail = bulk !== null || id > 0 || isNew;
  const lists = (
    <div class={`loops${detail ? " with-detail" : ""}${moment ? " past" : ""}`}>
      <LoopList
        list={list}
        scene={scene}
        scenes={scenes.value?.items ?? []}
        ofAreas={ofAreas}
        mayAct={mayAct}
        moment={moment}
        from={moment ? "" : from}
        open={bulk ? 0 : id}
        marked={marked}
        turn={turn}
        newest={newest}
        onReload={again}
        onList={(chosen) => {
          setMarked(new Map());
          setBulk(null);
          go(`/loops${narrowed({ list: chosen, from: "" })}`);
        }}
        onFrom={(chosen) => go(`/loops${narrowed({ from: chosen })}`)}
        onScene={(chosen) => {
          setMarked(new Map());
          setBulk(null);
          go(`/loops${narrowed({ scene: chosen })}`);
        }}
        onOpen={(chosen) => {
          setBulk(null);
          setSaid("");
          go(`/loops/${chosen}${suffix}`);
        }}
        onNew={openNew}
        onMark={(row) => {
          const next = new Map(marked);
          if (!next.delete(row.id)) next.set(row.id, row);
          setMarked(next);
        }}
        onUnmark={() => setMarked(new Map())}
        onBulk={openBulk}
        bulkRefusal={refusal}
      />
      <div class="loop-detail">
        {bulk ? (
          <BulkPane
            rows={bulk}
            query={suffix}
            onBack={back}
            onChange={() => {
              const done = new Set(bulk.map((row) => row.id));
              setMarked((old) => new Map([...old].filter(([no]) => !done.has(no))));
              again();
            }}
          />
        ) : isNew ? (
          <OpenPane
            scenes={scenes.value?.items ?? []}
            name={query.get("open") ?? ""}
            subject={query.get("subject") ?? ""}
            listQuery={fields.toString()}
            onBack={back}
            onOpened={(opened, words) => {
              setSaid(words);
              again();
              go(`/loops/${opened}${suffix}`);
            }}
          />
        ) : id ? (
          <>
            {moment && <p class="notice">{t("pastPage")}</p>}
            {said && (
              <p class="notice good" role="status">
                {said}
              </p>
            )}
            <LoopPane
              key={id}
              id={id}
              reader={looker}
              query={suffix}
              onBack={back}
              onChange={() => {
                setSaid("");
                again();
              }}
            />
          </>
        ) : (
          <p class="page dim">{t("loopHint")}</p>
        )}
      </div>
    </div>
  );
  return (
    <>
      {moment && <PastNote moment={moment} knownAt={moment} waiting={0} onNow={toNow} />}
      {lists}
    </>
  );
}
