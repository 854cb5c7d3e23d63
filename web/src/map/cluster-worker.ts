// Reads the points of all venues and gathers them for a view: beside the page, which stays free.
import { clustersOf, type Cluster, type Layer, type Points, type View } from "./cluster.ts";
import { project } from "./shapes.ts";

export type Asked =
  | { kind: "read" }
  | { kind: "view"; view: View; cell: number; layer: Layer; most: number };
export interface Known {
  total: number;
  withoutPlace: number;
  trueFor: string | null;
  useKnown: boolean;
}
export type Told =
  | ({ kind: "ready" } & Known)
  | { kind: "failed"; status: number }
  | { kind: "clusters"; layer: Layer; clusters: Cluster[] };

interface Answer {
  numbers: number[];
  longitudes: number[];
  latitudes: number[];
  states: string;
  without_place: number;
  true_for: string | null;
  use_known: boolean;
}

const degree = 100_000;
let points: Points | null = null;
const tell = (told: Told): void => postMessage(told);

async function read(): Promise<void> {
  const response = await fetch("/api/v1/venues/points", { credentials: "same-origin" });
  if (!response.ok) {
    tell({ kind: "failed", status: response.status });
    return;
  }
  const answer = (await response.json()) as Answer;
  const total = answer.numbers.length;
  const [x, y] = [new Float32Array(total), new Float32Array(total)];
  for (let i = 0; i < total; i++)
    [x[i], y[i]] = project([answer.longitudes[i]! / degree, answer.latitudes[i]! / degree]);
  points = { numbers: answer.numbers, x, y, states: answer.states };
  tell({
    kind: "ready",
    total,
    withoutPlace: answer.without_place,
    trueFor: answer.true_for,
    useKnown: answer.use_known,
  });
}

addEventListener("message", ({ data }: MessageEvent<Asked>) => {
  if (data.kind === "read") read().catch(() => tell({ kind: "failed", status: 0 }));
  else if (points)
    tell({
      kind: "clusters",
      layer: data.layer,
      clusters: clustersOf(points, data.view, data.cell, data.layer, data.most),
    });
});
