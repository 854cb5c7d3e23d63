// A chain of cases worked out without drawing: rows by generation, what each took, what speaks for
// each link. Not known stays null; what there is none of is "".
import type { Answer } from "../../api/client.ts";
import { t, wordFor } from "../../catalogue.ts";
import { dayAndClock, duration, secondsOf } from "../../format.ts";
import type { Cell, Sheet } from "../../parts/sheet.ts";
import { settings } from "../../settings.ts";
import { span } from "../loops/words.ts";
import { kindWords } from "./case-list.tsx";

export type Chain = Answer<"GET /api/v1/cases/{id}/chain">;
export type Node = Chain["nodes"][number];
export type Edge = Chain["edges"][number];

/** Seconds; null: not on record; "": of an infection without symptoms there is no onset. */
export type Delay = number | null | "";
export const delayNames = ["onsetToSample", "sampleToReport", "reportToHeld"] as const;
export type DelayName = (typeof delayNames)[number];

const between = (from: string | null, to: string | null): number | null =>
  from && to ? secondsOf(to) - secondsOf(from) : null;

export const isAsymptomatic = (node: Node): boolean => node.kind === "asymptomatic";

export const delaysOf = (node: Node): Record<DelayName, Delay> => ({
  onsetToSample: isAsymptomatic(node) ? "" : between(node.onset_at, node.sampled_at),
  sampleToReport: between(node.sampled_at, node.recorded_at),
  reportToHeld: between(node.recorded_at, node.held_at),
});

/** The first that is on record of the case's own course. */
export const firstOf = (node: Node): string =>
  [node.onset_at, node.sampled_at, node.at]
    .filter((time) => time !== null)
    .reduce((first, time) => (time < first ? time : first));

/** 31:10, hours and minutes as one writes a delay. */
export function hoursMinutes(seconds: number): string {
  const minutes = Math.round(Math.abs(seconds) / 60);
  const text = `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;
  return seconds < 0 ? `−${text}` : text;
}

export const delayWords = (delay: Delay): string =>
  delay === "" ? "—" : delay === null ? t("chainNoRecord") : hoursMinutes(delay);

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2
    ? sorted[middle]!
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** The delay with the greatest median, of how many cases; null where none is on record. */
export function slowest(chain: Chain): { name: DelayName; seconds: number; cases: number } | null {
  let found: { name: DelayName; seconds: number; cases: number } | null = null;
  for (const name of delayNames) {
    const known = chain.nodes
      .map((node) => delaysOf(node)[name])
      .filter((delay): delay is number => typeof delay === "number");
    const seconds = known.length ? median(known) : 0;
    if (known.length && (!found || seconds > found.seconds))
      found = { name, seconds, cases: known.length };
  }
  return found;
}

export const likelyEdge = (chain: Chain, id: number): Edge | undefined =>
  chain.edges.find((edge) => edge.to === id && edge.likely);

/** All that lead to the case itself; to another only the strongest, where it is among the drawn. */
export const drawnEdges = (chain: Chain, own: number): Edge[] =>
  chain.edges.filter((edge) => edge.likely || edge.to === own || !likelyEdge(chain, edge.to));

/** Rows from the farthest generation back to the farthest on; who stands below the same source
 *  stands together, those with another stronger source last. */
export function rowsOf(chain: Chain): Node[] {
  const placed: Node[] = [];
  const generations = [...new Set(chain.nodes.map((node) => node.generation))];
  for (const generation of generations.sort((a, b) => a - b)) {
    const placeOf = (node: Node): number => {
      const at = placed.findIndex((one) => one.id === likelyEdge(chain, node.id)?.from);
      return at < 0 ? placed.length : at;
    };
    const members = chain.nodes.filter((node) => node.generation === generation);
    const keyed = members.map((node) => ({ node, place: generation > 0 ? placeOf(node) : 0 }));
    keyed.sort(
      (a, b) => a.place - b.place || secondsOf(firstOf(a.node)) - secondsOf(firstOf(b.node)),
    );
    placed.push(...keyed.map(({ node }) => node));
  }
  return placed;
}

export const generationWords = (generation: number): string =>
  generation === 0
    ? t("generationOwn")
    : generation < 0
      ? t("generationBack", { count: -generation })
      : t("generationOn", { count: generation });

const listWords = (words: string[]): string => words.join(settings.language === "zh" ? "；" : "; ");

type Evidence = Edge["evidence"][number];

function pieceWords(piece: Evidence): string {
  if (piece.kind === "contact")
    return t("linkContact", {
      level: wordFor("contact", piece.level ?? "") ?? "",
      time: dayAndClock(piece.known_at ?? null),
    });
  if (piece.kind === "household") return t("linkHousehold");
  return t("linkMet", {
    weight: (piece.weight ?? 0).toFixed(2),
    times: piece.co_visits ?? 0,
    gap: duration(piece.closest_gap_s ?? 0),
    venue: piece.venue ?? `#${piece.venue_no ?? 0}`,
    time: dayAndClock(piece.last_at ?? null),
  });
}

/** All that speaks for a link, strongest first. */
export const evidenceWords = (edge: Edge): string => listWords(edge.evidence.map(pieceWords));

/** In a word or a number, for the drawing. */
export function evidenceMark(edge: Edge): string {
  const has = (kind: Evidence["kind"]): Evidence | undefined =>
    edge.evidence.find((piece) => piece.kind === kind);
  if (has("contact")?.level === "close") return t("markContact");
  if (has("household")) return t("markHousehold");
  return edge.weight.toFixed(2);
}

/** How far apart they fell ill, and whether that tells who was first. */
export const intervalWords = (edge: Edge): string =>
  t(edge.order_known ? "linkApart" : "linkTooClose", { span: span(edge.interval_hours * 3600) });

/** When the meeting was that may have been it; null where nothing says. */
export function metAt(edge: Edge): string | null {
  const met = edge.evidence.find((piece) => piece.kind === "co_presence")?.last_at;
  return met ?? edge.evidence.find((piece) => piece.kind === "contact")?.last_exposure_at ?? null;
}

export function sheetOf(chain: Chain): Sheet {
  const delayCell = (delay: Delay): Cell =>
    typeof delay === "number" ? Math.round(delay / 360) / 10 : delay;
  return {
    columns: [
      { words: t("thCase") },
      { words: t("thGeneration") },
      { words: t("thKind") },
      { words: t("thOnset"), kind: "time" },
      { words: t("thFirstSample"), kind: "time" },
      { words: t("thReported"), kind: "time" },
      { words: t("thHeld"), kind: "time" },
      { words: t("thListed"), kind: "time" },
      ...delayNames.map((name) => ({
        words: t("thHours", { what: t(`delay_${name}`) }),
        digits: 1,
      })),
      { words: t("thLikelySource") },
      { words: t("thEvidence") },
    ],
    rows: rowsOf(chain).map((node) => {
      const edge = likelyEdge(chain, node.id);
      const delays = delaysOf(node);
      return [
        t("caseNumber", { id: node.id }),
        node.generation,
        kindWords(node.kind),
        isAsymptomatic(node) ? "" : node.onset_at,
        node.sampled_at,
        node.recorded_at,
        node.held_at,
        node.listed_at ?? "",
        ...delayNames.map((name) => delayCell(delays[name])),
        node.likely_source === null ? "" : t("caseNumber", { id: node.likely_source }),
        edge ? `${evidenceWords(edge)}` : "",
      ];
    }),
  };
}
