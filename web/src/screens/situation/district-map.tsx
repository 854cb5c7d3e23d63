// The map: fill by the rate of 7 days, a disc with the cases. One stop for Tab; arrows move between
// districts, Enter or a click looks at one. The table below shows the same places in the same
// words.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { t, type WordKey } from "../../catalogue.ts";
import { areaName, count, rate } from "../../format.ts";
import type { Cluster, Layer, View } from "../../map/cluster.ts";
import { HatchPattern } from "../../parts/icons.tsx";
import { go } from "../../router.ts";
import { drawSigns, LayerWords, placing, signAt, useVenueLayer } from "./venue-layer.tsx";
import {
  districtPaths,
  labelPlaces,
  mapHeight,
  mapWidth,
  parentRegion,
  pixelsPerKilometre,
  project,
  zoneCode,
  zoneParent,
  zoneRegion,
  zoneSketch,
} from "../../map/shapes.ts";
import { fillOf, rateOf, rateSteps, weekOf, weekText, type District } from "./figures.ts";

interface Props {
  districts: readonly District[];
  demo: boolean;
  /** An hour of the past is looked at. */
  past: boolean;
  selected: string;
  hovered: string;
  onHover(code: string): void;
  onSelect(code: string): void;
}

function labelOf(district: District): string {
  const cases = weekOf(district.cases_by_day);
  const name = areaName(district);
  if (cases.value === null) return t("districtLabelUnknown", { name });
  return t("districtLabel", { name, week: weekText(cases), rate: rate(rateOf(district) ?? 0) });
}

function Label({ district, plain }: { district: District; plain: boolean }): JSX.Element | null {
  const place = labelPlaces[district.code];
  if (!place) return null;
  const [x, y] = project(place);
  const cases = weekOf(district.cases_by_day);
  const text = cases.value === null ? "" : count(cases.value);
  const radius = cases.value && !plain
    ? Math.max(11, 6 + 3.4 * text.length, Math.min(20, 9 + Math.sqrt(cases.value)))
    : 0;
  const name =
    district.code === zoneCode && areaName(district).length > 8
      ? "Econ. Dev. Zone"
      : areaName(district);
  return (
    <>
      <text class="name" x={x} y={y}>
        {name}
      </text>
      {cases.value === null && !plain && (
        <text class="minor" x={x} y={y + 17}>
          {t("unknown")}
        </text>
      )}
      {cases.value === 0 && !plain && (
        <text class="minor" x={x} y={y + 17}>
          0
        </text>
      )}
      {radius > 0 && <circle cx={x} cy={y + 8 + radius} r={radius} />}
      {radius > 0 && (
        <text class="figure" x={x} y={y + 12.5 + radius}>
          {text}
        </text>
      )}
    </>
  );
}

/** Fill, border and the ring that shows focus. The zone and its parent share one published
 *  border, cut along the sketched line; both are ringed along it. */
function Shape({ code, fill }: { code: string; fill: string | null }): JSX.Element {
  const zone = code === zoneCode;
  const path = districtPaths.get(zone ? zoneParent : code) ?? "";
  const side = zone ? "url(#zone-side)" : code === zoneParent ? "url(#parent-side)" : undefined;
  return (
    <>
      <g clip-path={side}>
        <path class={fill ?? ""} d={path} fill={fill ? undefined : "url(#map-hatch)"} />
        <path class="border" d={path} />
        <path class="ring" d={path} />
      </g>
      {side && (
        <g clip-path="url(#parent)">
          {zone && <path class="sketch" d={zoneSketch} />}
          <path class="ring" d={zoneSketch} />
        </g>
      )}
    </>
  );
}

function Legend({
  demo,
  outside,
  zone,
  discs,
  children,
}: {
  demo: boolean;
  outside: boolean;
  zone: boolean;
  discs: boolean;
  children: ComponentChildren;
}): JSX.Element {
  const [low, middle, high] = rateSteps;
  return (
    <div class="legend">
      <b>{t("mapLegend")}</b>
      <div class="ramp" aria-hidden="true">
        <i class="m0" />
        <i class="m1" />
        <i class="m2" />
        <i class="m3" />
        <span>&lt;{low}</span>
        <span>
          {low}–{middle}
        </span>
        <span>
          {middle}–{high}
        </span>
        <span>≥{high}</span>
      </div>
      <span class="item">
        <i class="hatched hatch-key" aria-hidden="true" />
        {t("mapUnknown")}
      </span>
      {discs && (
        <span class="item">
          <i class="disc" aria-hidden="true">
            8
          </i>
          {t("mapDisc")}
        </span>
      )}
      {zone && (
        <span class="item">
          <i class="dash" aria-hidden="true" />
          {t("mapSketch")}
        </span>
      )}
      {outside && <span class="item">{t("mapOutside")}</span>}
      <span class="sr">{t(demo ? "mapPopulation" : "mapPopulationReal")}</span>
      {children}
    </div>
  );
}

// ---- Looking nearer: a view of the map that is dragged, or moved by keys

const zoomMost = 24;
const wholeMap: View = { x: 0, y: 0, width: mapWidth, height: mapHeight };
const boxOf = (view: View): string => `${view.x} ${view.y} ${view.width} ${view.height}`;
const within = (low: number, value: number, high: number): number =>
  Math.min(high, Math.max(low, value));

/** A view around a place; it never leaves the map. */
function viewAt(x: number, y: number, zoom: number): View {
  const [width, height] = [mapWidth / zoom, mapHeight / zoom];
  return {
    x: within(0, x - width / 2, mapWidth - width),
    y: within(0, y - height / 2, mapHeight - height),
    width,
    height,
  };
}

interface Looking {
  view: View;
  zoom: number;
  zoomTo(zoom: number, x?: number, y?: number): void;
  step(right: number, down: number): void;
  /** Handlers of the drawing. */
  drag: {
    onPointerDown(event: PointerEvent): void;
    onPointerMove(event: PointerEvent): void;
    onPointerUp(event: PointerEvent): void;
    onPointerCancel(event: PointerEvent): void;
    onClickCapture(event: MouseEvent): void;
  };
}

/** While it is dragged the drawing moves by its own attribute; the page is drawn again at the end. */
function useLooking(
  root: preact.RefObject<SVGSVGElement>,
  onLook: (view: View) => void,
  onClick: (event: MouseEvent) => void,
): Looking {
  const [view, setView] = useState(wholeMap);
  const held = useRef({ id: -1, x: 0, y: 0, from: wholeMap, now: wholeMap, moved: false });
  useEffect(() => onLook(view), [view]);
  const zoom = mapWidth / view.width;
  const zoomTo = (next: number, x = view.x + view.width / 2, y = view.y + view.height / 2): void =>
    setView(viewAt(x, y, within(1, next, zoomMost)));
  const step = (right: number, down: number): void =>
    setView(
      viewAt(
        view.x + view.width * (0.5 + right / 4),
        view.y + view.height * (0.5 + down / 4),
        zoom,
      ),
    );
  const end = (event: PointerEvent): void => {
    if (event.pointerId !== held.current.id) return;
    held.current.id = -1;
    if (held.current.moved) setView(held.current.now);
  };
  return {
    view,
    zoom,
    zoomTo,
    step,
    drag: {
      onPointerDown: (event) => {
        if (event.button || zoom === 1) return;
        held.current = {
          id: event.pointerId,
          x: event.clientX,
          y: event.clientY,
          from: view,
          now: view,
          moved: false,
        };
      },
      onPointerMove: (event) => {
        const hold = held.current;
        const drawing = root.current;
        if (event.pointerId !== hold.id || !drawing) return;
        const scale = 1 / placing(hold.from, drawing).scale;
        const [right, down] = [event.clientX - hold.x, event.clientY - hold.y];
        if (!hold.moved && Math.hypot(right, down) < 5) return;
        if (!hold.moved) drawing.setPointerCapture(hold.id);
        hold.moved = true;
        hold.now = viewAt(
          hold.from.x + hold.from.width / 2 - right * scale,
          hold.from.y + hold.from.height / 2 - down * scale,
          zoom,
        );
        for (const one of drawing.parentElement?.querySelectorAll("svg.map") ?? [])
          one.setAttribute("viewBox", boxOf(hold.now));
        onLook(hold.now);
      },
      onPointerUp: end,
      onPointerCancel: end,
      onClickCapture: (event) => {
        if (held.current.moved) event.stopPropagation();
        else onClick(event);
        held.current.moved = false;
      },
    },
  };
}

const layers = ["", "silent", "all"] as const;

function LayerSwitch({
  layer,
  past,
  zoom,
  onLayer,
  onZoom,
}: {
  layer: Layer | "";
  past: boolean;
  zoom: number;
  onLayer(layer: Layer | ""): void;
  onZoom(zoom: number): void;
}): JSX.Element {
  const nearer: [string, WordKey, number, boolean][] = [
    ["+", "zoomIn", zoom * 2, zoom >= zoomMost],
    ["−", "zoomOut", zoom / 2, zoom <= 1],
    ["1:1", "zoomWhole", 1, zoom <= 1],
  ];
  return (
    <div class="map-tools">
      <select
        id="map-layer"
        aria-label={t("layerGroup")}
        value={layer}
        onChange={(event) => {
          const chosen = event.currentTarget.value;
          onLayer(layers.find((one) => one === chosen) ?? "");
        }}
      >
        {layers.map((one) => (
          <option key={one} value={one} disabled={past && one !== ""}>
            {t(one === "all" ? "layerAll" : one === "silent" ? "layerSilent" : "layerCases")}
          </option>
        ))}
      </select>
      <div class="switch" role="group" aria-label={t("zoomGroup")}>
        {nearer.map(([sign, words, next, ends]) => (
          <button
            key={sign}
            type="button"
            title={t(words)}
            disabled={ends}
            onClick={() => onZoom(next)}
          >
            {sign} <span class="sr">{t(words)}</span>
          </button>
        ))}
      </div>
    </div>
  );
}

/** Keeps its size around a place while the map grows. */
const unscaled = (district: District, zoom: number): string | undefined => {
  const place = labelPlaces[district.code];
  if (zoom === 1 || !place) return undefined;
  const [x, y] = project(place);
  return `translate(${x} ${y}) scale(${1 / zoom}) translate(${-x} ${-y})`;
};

export function DistrictMap(props: Props): JSX.Element {
  const { districts, selected, hovered, onHover, onSelect } = props;
  const [chosen, setLayer] = useState<Layer | "">("");
  // How each venue stood at an hour of the past is not kept: nothing of now is drawn in its place.
  const layer = props.past ? "" : chosen;
  const found = useVenueLayer(layer || null);
  const [stop, setStop] = useState(0);
  const root = useRef<SVGSVGElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const seen = useRef(wholeMap);
  const draw = (): void => {
    if (canvas.current) drawSigns(canvas.current, seen.current, found.latest.current, layer || null);
  };
  const onLook = (next: View): void => {
    seen.current = next;
    found.look(next);
    draw();
  };
  const onClick = (event: MouseEvent): void => {
    const box = canvas.current?.getBoundingClientRect();
    const [x, y] = [event.clientX - (box?.left ?? 0), event.clientY - (box?.top ?? 0)];
    const sign =
      layer && canvas.current && signAt(canvas.current, seen.current, found.clusters, x, y);
    if (!sign) return;
    event.stopPropagation();
    openCluster(sign);
  };
  const looking = useLooking(root, onLook, onClick);
  const { view, zoom } = looking;
  useEffect(() => found.look(view), [layer]);
  useEffect(draw);
  useEffect(() => {
    if (!canvas.current) return;
    const observer = new ResizeObserver(draw);
    observer.observe(canvas.current);
    return () => observer.disconnect();
  }, [layer]);
  const openCluster = (cluster: Cluster): void => {
    if (cluster.no) go(`/venues/${cluster.no}`);
    else if (zoom < zoomMost) looking.zoomTo(zoom * 3, cluster.x, cluster.y);
    else go(`/venues${layer === "silent" ? "?state=silent" : ""}`);
  };
  const byCode = new Map(districts.map((district) => [district.code, district]));
  const codes = districts
    .map((district) => district.code)
    .filter((code) => districtPaths.has(code) || code === zoneCode);
  const current = codes.includes(selected)
    ? codes.indexOf(selected)
    : Math.min(stop, codes.length - 1);

  const onKey = (event: KeyboardEvent): void => {
    const steps: Record<string, number> = {
      ArrowRight: 1,
      ArrowDown: 1,
      ArrowLeft: -1,
      ArrowUp: -1,
    };
    const step = steps[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const nearer: Record<string, number> = { "+": zoom * 2, "=": zoom * 2, "-": zoom / 2, "0": 1 };
    const scale = nearer[event.key];
    if (scale !== undefined) {
      looking.zoomTo(scale);
      event.preventDefault();
      return;
    }
    if (step !== undefined && event.shiftKey) {
      const across = event.key === "ArrowLeft" || event.key === "ArrowRight";
      looking.step(across ? step : 0, across ? 0 : step);
      event.preventDefault();
      return;
    }
    const focused = codes.indexOf((event.target as SVGElement).dataset["code"] ?? "");
    if (step !== undefined && focused >= 0) {
      const next = (focused + step + codes.length) % codes.length;
      setStop(next);
      root.current?.querySelector<SVGElement>(`[data-code="${codes[next]}"]`)?.focus();
      event.preventDefault();
    } else if ((event.key === "Enter" || event.key === " ") && focused >= 0) {
      onSelect(codes[focused]!);
      event.preventDefault();
    }
  };

  const area = (code: string, i: number): JSX.Element => {
    const district = byCode.get(code)!;
    const fill = fillOf(district);
    return (
      <g
        key={code}
        role="button"
        tabindex={i === current ? 0 : -1}
        data-code={code}
        data-hover={hovered === code}
        data-known={fill !== null}
        aria-pressed={selected === code}
        aria-label={labelOf(district)}
        onClick={() => onSelect(code)}
        onFocus={() => onHover(code)}
        onBlur={() => onHover("")}
        onMouseEnter={() => onHover(code)}
        onMouseLeave={() => onHover("")}
      >
        <Shape code={code} fill={fill} />
      </g>
    );
  };

  const outside = [...districtPaths].filter(([code]) => !byCode.has(code));
  const kilometres = 20 * pixelsPerKilometre;
  return (
    <>
      <div class="map-box">
        <Legend
          demo={props.demo}
          outside={outside.length > 0}
          zone={byCode.has(zoneCode)}
          discs={layer === ""}
        >
          <LayerSwitch
            layer={chosen}
            past={props.past}
            zoom={zoom}
            onLayer={setLayer}
            onZoom={(next) => looking.zoomTo(next)}
          />
        </Legend>
        <div class="map-stack">
          <svg
            ref={root}
            class={zoom > 1 ? "map near" : "map"}
            viewBox={boxOf(view)}
            {...looking.drag}
            role="group"
            aria-label={t("mapLabel")}
            onKeyDown={onKey}
          >
            <defs>
              <HatchPattern id="map-hatch" scale={1 / zoom} />
              <clipPath id="parent">
                <path d={districtPaths.get(zoneParent)} />
              </clipPath>
              <clipPath id="zone-side">
                <path d={zoneRegion} />
              </clipPath>
              <clipPath id="parent-side">
                <path d={parentRegion} />
              </clipPath>
            </defs>
            {outside.map(([code, path]) => (
              <path key={code} class="outside border" d={path} />
            ))}
            {codes.map(area)}
          </svg>
          <canvas ref={canvas} class="map-signs" aria-hidden="true" />
          <svg class="map labels" viewBox={boxOf(view)} aria-hidden="true">
            {districts.map((district) => (
              <g key={district.code} transform={unscaled(district, zoom)}>
                <Label district={district} plain={layer !== ""} />
              </g>
            ))}
            {zoom === 1 && (
              <>
                <path
                  class="scale"
                  d={`M${mapWidth - 20 - kilometres} ${mapHeight - 22}v5h${kilometres}v-5`}
                />
                <text class="minor" x={mapWidth - 20 - kilometres / 2} y={mapHeight - 26}>
                  20 km
                </text>
              </>
            )}
          </svg>
        </div>
      </div>
      {layer && <LayerWords layer={layer} found={found} />}
      {props.past && chosen && (
        <p class="layer-words hatched" role="status">
          <span class="none-text">{t("layerPast")}</span>
        </p>
      )}
    </>
  );
}
