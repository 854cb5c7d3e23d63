// The scenes: a catalogue beside the page of one. What is proved, what waits and why, how many loops
// live under each.
import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { call, type Answer } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { count } from "../../format.ts";
import { Icon, type IconName } from "../../parts/icons.tsx";
import { Filter, focusOn, ListKeys, useKeys } from "../../parts/keys.tsx";
import { useLoad, Waiting } from "../../parts/load.tsx";
import { VirtualList } from "../../parts/virtual-list.tsx";
import { go } from "../../router.ts";
import type { Session } from "../login.tsx";
import { say, type SceneHead } from "../loops/definitions.ts";
import { ScenePage } from "./scene.tsx";

export type Proof = Answer<"GET /api/v1/scenes:proofs">["items"][number];
type Counts = Answer<"GET /api/v1/loops:counts">["items"];

const listId = "scene-list";
const filterId = "scenes-filter";
const rowHeight = 52;

export interface ProofState {
  tone: "done" | "late" | "soon" | "unknown";
  icon: IconName;
  words: string;
}

/** A scene that is loaded was proved; its file may have changed since. */
export function proofState(proof: Proof | undefined): ProofState {
  if (!proof) return { tone: "unknown", icon: "unknown", words: t("proofUnknown") };
  if (proof.findings.length)
    return { tone: "late", icon: "late", words: t("proofFindings", { count: proof.findings.length }) };
  if (!proof.loaded) return { tone: "soon", icon: "soon", words: t("proofWaits") };
  return { tone: "done", icon: "done", words: t("proofGood") };
}

export function ProofChip({ proof }: { proof: Proof | undefined }): JSX.Element {
  const { tone, icon, words } = proofState(proof);
  return (
    <span class={`chip proof ${tone}`}>
      <Icon name={icon} />
      {words}
    </span>
  );
}

const openOf = (counts: Counts | null, scene: string): number | null =>
  counts && counts.filter((one) => one.scene === scene).reduce((sum, one) => sum + one.open, 0);

function Row({ scene, proof, open }: { scene: SceneHead; proof: Proof | undefined; open: number | null }): JSX.Element {
  const { tone, icon, words } = proofState(proof);
  return (
    <>
      <span class={`shape ${tone}`} title={words}>
        <Icon name={icon} />
        <span class="sr">{words}</span>
      </span>
      <span class="what">
        <b class="cut">{say(scene.title)}</b>
        <span class="cut small dim">{say(scene.about) || scene.name}</span>
      </span>
      <span class="small dim keep">{t("sceneVersion", { version: scene.version })}</span>
      <span class="right keep">
        {open === null ? <span class="quiet">—</span> : t("sceneOpen", { count: count(open) })}
      </span>
    </>
  );
}

interface Props {
  reader: Session;
  path: string;
}

export function ScenesScreen({ reader, path }: Props): JSX.Element {
  const name = /^\/scenes\/([a-z0-9_]+)$/.exec(path)?.[1] ?? "";
  const ofAreas = reader.permissions.includes("loop.area");
  const [filter, setFilter] = useState("");
  const [chosen, setChosen] = useState(-1);
  const scenes = useLoad("scenes", (signal) => call("GET /api/v1/scenes", { signal }));
  const proofs = useLoad("proofs", (signal) => call("GET /api/v1/scenes:proofs", { signal }));
  const counts = useLoad(ofAreas ? "scene-counts" : null, (signal) =>
    call("GET /api/v1/loops:counts", { signal }),
  );
  const proofOf = (scene: string): Proof | undefined =>
    proofs.value?.items.find((one) => one.name === scene);
  const rows = useMemo(() => {
    const text = filter.trim().toLowerCase();
    const all = [...(scenes.value?.items ?? [])].sort((a, b) => a.name.localeCompare(b.name));
    return all.filter((one) =>
      `${one.name} ${one.title.zh} ${one.title.en} ${one.about.zh} ${one.about.en}`
        .toLowerCase()
        .includes(text),
    );
  }, [scenes.value, filter]);
  useEffect(() => {
    const at = rows.findIndex((one) => one.name === name);
    setChosen(at >= 0 ? at : rows.length ? Math.max(0, Math.min(chosen, rows.length - 1)) : -1);
  }, [rows, name]);
  useEffect(() => {
    if (scenes.value && !name) focusOn(listId);
  }, [scenes.value !== null]);

  const open = (index: number): void => {
    const row = rows[index];
    if (row) go(`/scenes/${row.name}`);
  };
  const back = (): void => {
    go("/scenes");
    requestAnimationFrame(() => focusOn(listId));
  };
  useKeys({
    "/": () => focusOn(filterId),
    j: () => setChosen(Math.min(rows.length - 1, chosen + 1)),
    k: () => setChosen(Math.max(0, chosen - 1)),
    Enter: () => open(chosen),
    Escape: name ? back : () => go("/"),
  });

  const Title = name ? "h2" : "h1"; // one first heading a page
  const waiting = proofs.value?.items.filter((one) => one.findings.length || !one.loaded) ?? [];
  if (!scenes.value) return <Waiting loaded={scenes} />;
  return (
    <div class={`loops scenes${name ? " with-detail" : ""}`}>
      <div class="loop-side">
        <div class="bar-line">
          <Title>{t("scenesTitle", { count: scenes.value.items.length })}</Title>
        </div>
        <p class="small dim" role="status">
          {!proofs.value
            ? t(proofs.problem ? "proofsFailed" : "proofsRunning")
            : waiting.length
              ? t("proofsWaiting", { count: waiting.length, names: waiting.map((one) => one.file).join(", ") })
              : t("proofsAll", { count: proofs.value.items.length })}
        </p>
        <div class="bar-line">
          <Filter
            id={filterId}
            label={t("scenesFilter")}
            value={filter}
            onInput={setFilter}
            onLeave={() => focusOn(listId)}
          />
          <ListKeys />
        </div>
        {!rows.length && <p class="empty">{t("scenesNone", { text: filter })}</p>}
        <VirtualList
          id={listId}
          label={t("scenes")}
          rows={rows}
          total={rows.length}
          rowHeight={rowHeight}
          rowClass="scene-row"
          selected={chosen}
          onSelect={setChosen}
          onOpen={open}
          keyOf={(row) => row.name}
        >
          {(row) => (
            <Row
              scene={row}
              proof={proofOf(row.name)}
              open={openOf(counts.value?.items ?? null, row.name)}
            />
          )}
        </VirtualList>
      </div>
      <div class="loop-detail">
        {name ? (
          <ScenePage key={name} name={name} reader={reader} proof={proofOf(name)} onBack={back} />
        ) : (
          <p class="page dim">{t("scenesHint")}</p>
        )}
      </div>
    </div>
  );
}
