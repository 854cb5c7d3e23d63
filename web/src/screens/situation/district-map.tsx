// The map: fill by the rate of 7 days, a disc with the cases. One stop for Tab; arrows move between
// districts, Enter or a click looks at one. The table below shows the same places in the same words.
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { t } from "../../catalogue.ts";
import { areaName, count, rate } from "../../format.ts";
import { HatchPattern } from "../../parts/icons.tsx";
import {
  districtPaths, labelPlaces, mapHeight, mapWidth, pixelsPerKilometre, project, zoneCode, zoneParent, zoneRegion,
  zoneSketch,
} from "../../map/shapes.ts";
import { fillOf, rateOf, rateSteps, weekOf, weekText, type District } from "./figures.ts";

interface Props {
  districts: readonly District[];
  demo: boolean;
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

function Label({ district }: { district: District }): JSX.Element | null {
  const place = labelPlaces[district.code];
  if (!place) return null;
  const [x, y] = project(place);
  const cases = weekOf(district.cases_by_day);
  const text = cases.value === null ? "" : count(cases.value);
  const radius = cases.value ? Math.max(11, 6 + 3.4 * text.length, Math.min(20, 9 + Math.sqrt(cases.value))) : 0;
  const name = district.code === zoneCode && areaName(district).length > 8 ? "Econ. Dev. Zone" : areaName(district);
  return (
    <>
      <text class="name" x={x} y={y}>{name}</text>
      {cases.value === null && <text class="minor" x={x} y={y + 17}>{t("unknown")}</text>}
      {cases.value === 0 && <text class="minor" x={x} y={y + 17}>0</text>}
      {radius > 0 && <circle cx={x} cy={y + 8 + radius} r={radius} />}
      {radius > 0 && <text class="figure" x={x} y={y + 12.5 + radius}>{text}</text>}
      {district.code === zoneCode &&
        <text class="minor" x={x} y={y + (radius ? 2 * radius + 24 : 32)}>{t("mapSketch")}</text>}
    </>
  );
}

function Legend({ demo, outside }: { demo: boolean; outside: boolean }): JSX.Element {
  const [low, middle, high] = rateSteps;
  return (
    <div class="legend">
      <b>{t("mapLegend")}</b>
      <div class="ramp" aria-hidden="true">
        <i class="m0" /><i class="m1" /><i class="m2" /><i class="m3" />
        <span>&lt;{low}</span><span>{low}–{middle}</span><span>{middle}–{high}</span><span>≥{high}</span>
      </div>
      <span class="item"><i class="hatched hatch-key" aria-hidden="true" />{t("mapUnknown")}</span>
      <span class="item"><i class="disc" aria-hidden="true">8</i>{t("mapDisc")}</span>
      {outside && <span class="item">{t("mapOutside")}</span>}
      <span class="sr">{t(demo ? "mapPopulation" : "mapPopulationReal")}</span>
    </div>
  );
}

export function DistrictMap(props: Props): JSX.Element {
  const { districts, selected, hovered, onHover, onSelect } = props;
  const [stop, setStop] = useState(0);
  const root = useRef<SVGSVGElement>(null);
  const byCode = new Map(districts.map((district) => [district.code, district]));
  const codes = districts.map((district) => district.code).filter((code) => districtPaths.has(code) || code === zoneCode);
  const current = codes.includes(selected) ? codes.indexOf(selected) : Math.min(stop, codes.length - 1);

  const onKey = (event: KeyboardEvent): void => {
    const steps: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    const step = steps[event.key];
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

  // The zone is drawn after its parent; whatever is pointed at is ringed by its own outline.
  const area = (code: string, i: number): JSX.Element => {
    const district = byCode.get(code)!;
    const zone = code === zoneCode;
    const path = zone ? zoneRegion : districtPaths.get(code) ?? "";
    const fill = fillOf(district);
    return (
      <g key={code} role="button" tabIndex={i === current ? 0 : -1} data-code={code}
        data-hover={hovered === code} data-known={fill !== null} aria-pressed={selected === code}
        aria-label={labelOf(district)}
        onClick={() => onSelect(code)} onFocus={() => onHover(code)} onBlur={() => onHover("")}
        onMouseEnter={() => onHover(code)} onMouseLeave={() => onHover("")}>
        <g clip-path={zone ? "url(#zone-parent)" : undefined}>
          <path class={fill ?? ""} d={path} fill={fill ? undefined : "url(#map-hatch)"} />
          {zone ? <path class="sketch" d={zoneSketch} /> : <path class="border" d={path} />}
          <path class="ring" d={path} />
        </g>
        {zone && <path class="border" d={districtPaths.get(zoneParent)} pointer-events="none" />}
      </g>
    );
  };

  const outside = [...districtPaths].filter(([code]) => !byCode.has(code));
  const kilometres = 20 * pixelsPerKilometre;
  return (
    <div class="map-box">
      <Legend demo={props.demo} outside={outside.length > 0} />
      <svg ref={root} class="map" viewBox={`0 0 ${mapWidth} ${mapHeight}`} role="group" aria-label={t("mapLabel")}
        onKeyDown={onKey}>
        <defs>
          <HatchPattern id="map-hatch" />
          <clipPath id="zone-parent"><path d={districtPaths.get(zoneParent)} /></clipPath>
        </defs>
        {outside.map(([code, path]) => <path key={code} class="outside border" d={path} />)}
        {codes.map(area)}
        {districts.map((district) => <g key={district.code} aria-hidden="true"><Label district={district} /></g>)}
        <path class="scale" d={`M${mapWidth - 20 - kilometres} ${mapHeight - 22}v5h${kilometres}v-5`} />
        <text class="minor" x={mapWidth - 20 - kilometres / 2} y={mapHeight - 26}>20 km</text>
      </svg>
    </div>
  );
}
