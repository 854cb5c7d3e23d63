// Venues on the map: gathered by a worker for the view that is seen, at most 500 symbols. Names and
// doors of people are on no map; a single venue is a door to its page.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { clock, count } from "../../format.ts";
import type { Cluster, Layer, View } from "../../map/cluster.ts";
import type { Asked, Known, Told } from "../../map/cluster-worker.ts";
import { mapWidth } from "../../map/shapes.ts";
import workerAddress from "../../map/cluster-worker.ts?worker&url";
import { problemWords, useReadAgain } from "../../parts/load.tsx";

const symbolsMost = 500;
const cellPixels = 40;

// A worker's address is a sink of trusted types: this one is the build's own.
interface Factory {
  createPolicy(name: string, rules: { createScriptURL(text: string): string }): {
    createScriptURL(text: string): string;
  };
}
const policy = (globalThis as { trustedTypes?: Factory }).trustedTypes?.createPolicy(
  "chengmai-map",
  { createScriptURL: (text) => text },
);
const startWorker = (): Worker =>
  new Worker(policy ? policy.createScriptURL(workerAddress) : workerAddress, { type: "module" });

export interface VenueLayer {
  clusters: readonly Cluster[];
  known: Known | null;
  problem: Problem | null;
  /** The same symbols for who draws between two renderings of the page. */
  latest: { readonly current: readonly Cluster[] };
  /** Asks for the symbols of a view; while one is worked out only the latest waits. */
  look(view: View): void;
}

export function useVenueLayer(layer: Layer | null): VenueLayer {
  const [clusters, setClusters] = useState<readonly Cluster[]>([]);
  const [known, setKnown] = useState<Known | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const latest = useRef<readonly Cluster[]>([]);
  latest.current = clusters;
  const worker = useRef<Worker | null>(null);
  const state = useRef({ busy: true, waiting: null as View | null, layer });
  state.current.layer = layer;
  const ask = (asked: Asked): void => worker.current?.postMessage(asked);
  const look = (view: View): void => {
    const { busy, layer: shown } = state.current;
    state.current.waiting = view;
    if (busy || !shown) return;
    Object.assign(state.current, { busy: true, waiting: null });
    const cell = (cellPixels * view.width) / mapWidth;
    ask({ kind: "view", view, cell, layer: shown, most: symbolsMost });
  };
  useEffect(() => {
    if (!layer) return;
    const own = startWorker();
    worker.current = own;
    state.current.busy = true;
    own.onmessage = ({ data }: MessageEvent<Told>) => {
      state.current.busy = false;
      if (data.kind === "failed") setProblem(new Problem(data.status, "", ""));
      else if (data.kind === "ready") setKnown(data);
      else if (data.layer === state.current.layer) setClusters(data.clusters);
      const { waiting } = state.current;
      if (waiting && data.kind !== "failed") look(waiting);
    };
    own.onerror = () => setProblem(new Problem(-1, "", "worker"));
    ask({ kind: "read" });
    return () => {
      own.terminate();
      worker.current = null;
      setClusters([]);
      setKnown(null);
      setProblem(null);
    };
  }, [layer !== null]);
  useReadAgain(problem, () => {
    setProblem(null);
    state.current.busy = true;
    ask({ kind: "read" });
  });
  return { clusters, latest, known, problem, look };
}

// ---- Drawing: one canvas over the districts, so that a drag costs the same at any number

/** How a view lies in a box of the page: as the drawing of the districts does, whole and centred. */
export function placing(view: View, box: { clientWidth: number; clientHeight: number }): {
  scale: number;
  left: number;
  top: number;
} {
  const scale = Math.min(box.clientWidth / view.width, box.clientHeight / view.height) || 1;
  return {
    scale,
    left: (box.clientWidth - view.width * scale) / 2 - view.x * scale,
    top: (box.clientHeight - view.height * scale) / 2 - view.y * scale,
  };
}

const radiusOf = (cluster: Cluster): number =>
  cluster.count === 1 ? 5 : 9 + 3 * Math.floor(Math.log10(cluster.count));

function triangle(pen: CanvasRenderingContext2D, x: number, y: number, size: number, up: boolean): void {
  const turn = up ? -1 : 1;
  pen.beginPath();
  pen.moveTo(x - size, y - turn * size * 0.8);
  pen.lineTo(x + size, y - turn * size * 0.8);
  pen.lineTo(x, y + turn * size);
  pen.closePath();
  pen.fill();
  pen.stroke();
}

interface Colours {
  ground: string;
  ink: string;
  mark: string;
  late: string;
  font: string;
}

function drawSign(pen: CanvasRenderingContext2D, cluster: Cluster, x: number, y: number, layer: Layer, colours: Colours): void {
  const radius = radiusOf(cluster);
  const one = cluster.count === 1;
  const late = (size: number, right: number, down: number): void => {
    pen.fillStyle = colours.late;
    pen.strokeStyle = colours.ground;
    triangle(pen, x + right, y + down, size, true);
  };
  if (one && cluster.copied) return late(7, 0, 0);
  pen.fillStyle = one && !cluster.silent ? colours.mark : colours.ground;
  pen.strokeStyle = one && !cluster.silent ? colours.ground : colours.ink;
  if (layer === "silent" || (one && cluster.silent)) triangle(pen, x, y, one ? 6 : radius + 5, false);
  else {
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fill();
    pen.stroke();
  }
  if (one) return;
  pen.fillStyle = colours.ink;
  pen.fillText(count(cluster.count), x, layer === "silent" ? y - radius * 0.3 : y);
  if (cluster.copied) late(5, radius, -radius);
}

/** Draws what is known of a view onto the canvas. */
export function drawSigns(canvas: HTMLCanvasElement, view: View, clusters: readonly Cluster[], layer: Layer | null): void {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const pixels = devicePixelRatio;
  if (canvas.width !== Math.round(width * pixels) || canvas.height !== Math.round(height * pixels)) {
    canvas.width = Math.round(width * pixels);
    canvas.height = Math.round(height * pixels);
  }
  const pen = canvas.getContext("2d");
  if (!pen) return;
  pen.setTransform(pixels, 0, 0, pixels, 0, 0);
  pen.clearRect(0, 0, width, height);
  canvas.dataset["symbols"] = String(layer ? clusters.length : 0);
  canvas.dataset["venues"] = String(clusters.reduce((sum, cluster) => sum + cluster.count, 0));
  if (!layer) return;
  const style = getComputedStyle(canvas);
  const of = (name: string): string => style.getPropertyValue(name).trim();
  const colours = {
    ground: of("--bg"),
    ink: of("--ink"),
    mark: of("--d1"),
    late: of("--late"),
    font: of("--font"),
  };
  const { scale, left, top } = placing(view, canvas);
  pen.font = `700 11px ${colours.font}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.lineWidth = 1.5;
  pen.lineJoin = "round";
  for (const cluster of clusters)
    drawSign(pen, cluster, cluster.x * scale + left, cluster.y * scale + top, layer, colours);
}

/** The symbol under a place of the canvas, the nearest where they overlap. */
export function signAt(box: HTMLElement, view: View, clusters: readonly Cluster[], x: number, y: number): Cluster | null {
  const { scale, left, top } = placing(view, box);
  let nearest: Cluster | null = null;
  let least = Infinity;
  for (const cluster of clusters) {
    const far = Math.hypot(cluster.x * scale + left - x, cluster.y * scale + top - y);
    if (far > radiusOf(cluster) + 4 || far >= least) continue;
    nearest = cluster;
    least = far;
  }
  return nearest;
}

export function LayerWords({ layer, found }: { layer: Layer; found: VenueLayer }): JSX.Element {
  const { known, problem } = found;
  if (problem)
    return (
      <p class="layer-words late" role="alert">
        {problemWords(problem)}
      </p>
    );
  if (!known)
    return (
      <p class="layer-words dim" role="status">
        {t("loading")}…
      </p>
    );
  return (
    <p class="layer-words dim" role="status">
      {layer === "silent" && !known.useKnown
        ? t("layerUseUnknown")
        : t("layerWords", { total: count(known.total), time: clock(known.trueFor) })}
      {known.withoutPlace > 0 && ` ${t("layerNowhere", { count: count(known.withoutPlace) })}`}
    </p>
  );
}
