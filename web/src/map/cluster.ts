// Points of a map gathered on a grid: pure, used by the worker. The grid hangs at the map's origin,
// so that moving the view does not shuffle what stands in it.
export interface View {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Points {
  numbers: ArrayLike<number>;
  x: Float32Array;
  y: Float32Array;
  /** A letter each: u in use, s silent, c a copied code is suspected, ? not known. */
  states: string;
}

export interface Cluster {
  x: number;
  y: number;
  count: number;
  silent: number;
  copied: number;
  /** The number of the one venue, 0 where there are several. */
  no: number;
}

export type Layer = "silent" | "all";

function gather(points: Points, view: View, cell: number, layer: Layer): Cluster[] {
  const cells = new Map<number, Cluster>();
  const [left, top] = [view.x - cell, view.y - cell];
  const [right, bottom] = [view.x + view.width + cell, view.y + view.height + cell];
  for (let i = 0; i < points.x.length; i++) {
    const [x, y, state] = [points.x[i]!, points.y[i]!, points.states[i]!];
    if (x < left || x > right || y < top || y > bottom) continue;
    if (layer === "silent" && state !== "s" && state !== "c") continue;
    const key = Math.floor(y / cell) * 65536 + Math.floor(x / cell);
    const found = cells.get(key);
    if (!found) {
      const [silent, copied] = [Number(state === "s"), Number(state === "c")];
      cells.set(key, { x, y, count: 1, silent, copied, no: points.numbers[i]! });
      continue;
    }
    found.count++;
    found.x += (x - found.x) / found.count;
    found.y += (y - found.y) / found.count;
    found.silent += Number(state === "s");
    found.copied += Number(state === "c");
    found.no = 0;
  }
  return [...cells.values()];
}

/** At most `most` clusters: the grid grows coarser until they are. `cell` is in the map's units. */
export function clustersOf(
  points: Points,
  view: View,
  cell: number,
  layer: Layer,
  most: number,
): Cluster[] {
  for (let size = cell; ; size *= 1.3) {
    const clusters = gather(points, view, size, layer);
    if (clusters.length <= most) return clusters;
  }
}
