// The districts as SVG paths. At the size of a city a plane is exact to well under a pixel, so that
// the projection is two multiplications and needs no library, no tiles and no server.
import geo from "./changzhou.geo.json";

export const mapWidth = 760;
export const mapHeight = 620;

const margin = 12;
const west = 119.136;
const east = 120.2;
const south = 31.15;
const north = 32.06;
const shrink = Math.cos((((south + north) / 2) * Math.PI) / 180);
const scale = Math.min((mapWidth - 2 * margin) / ((east - west) * shrink), (mapHeight - 2 * margin) / (north - south));
const left = (mapWidth - (east - west) * shrink * scale) / 2 - 20; // room for names in the east

export type Point = readonly [number, number];

export function project([longitude, latitude]: Point): Point {
  return [left + (longitude - west) * shrink * scale, margin + (north - latitude) * scale];
}

/** Pixels of the map in a kilometre. */
export const pixelsPerKilometre = scale / 111.2;

const round = (value: number): string => value.toFixed(1);

export function pathOf(line: readonly Point[], closed: boolean): string {
  const steps = line.map((point) => project(point).map(round).join(" "));
  return `M${steps.join("L")}${closed ? "Z" : ""}`;
}

/** Paths by national code. */
export const districtPaths: ReadonlyMap<string, string> = new Map(geo.features.map((feature) => [
  feature.id,
  feature.geometry.coordinates.flat().map((ring) =>
    pathOf(ring.slice(0, -1).map(([x, y]) => [x ?? 0, y ?? 0] as const), true)).join(""),
]));

/** The Economic Development Zone is a managing unit inside Wujin without a code or a published line:
 *  what lies east of this sketched line. */
export const zoneCode = "320471";
export const zoneParent = "320412";
const zoneLine: readonly Point[] = [
  [120.02, 31.95], [120.025, 31.8], [120.02, 31.772], [120.03, 31.735], [120.06, 31.705],
  [120.1, 31.692], [120.3, 31.675],
];
export const zoneSketch = pathOf(zoneLine, false);
export const zoneRegion = pathOf([...zoneLine, [120.3, 31.95]], true);
/** The parent without the zone: what lies west of the line. */
export const parentRegion = pathOf([...zoneLine, [120.3, 31], [119, 31], [119, 32.2], [120.02, 32.2]], true);

/** Where the name of each district stands; its disc stands below. */
export const labelPlaces: Readonly<Record<string, Point>> = {
  "320402": [120.098, 31.832],
  "320404": [119.865, 31.79],
  "320411": [119.955, 31.96],
  "320412": [119.87, 31.64],
  "320471": [120.118, 31.762],
  "320413": [119.5, 31.745],
  "320481": [119.38, 31.43],
};
