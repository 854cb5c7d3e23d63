// The map: fill by the rate of 7 days, a disc with the cases. One stop for Tab; arrows move between
// districts, Enter or a click looks at one. The table below shows the same places in the same words.
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { t } from "../../catalogue.ts";
import { areaName, count, rate } from "../../format.ts";
import { HatchPattern } from "../../parts/icons.tsx";
import {
  districtPaths, labelPlaces, mapHeight, mapWidth, parentRegion, pixelsPerKilometre, project, zoneCode, zoneParent, zoneRegion,
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
    </>
  );
}

/** Fill, border and the ring that shows focus. The zone and its parent share one published border, cut
 *  along the sketched line; both are ringed along it. */
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

function Legend({ demo, outside, zone }: { demo: boolean; outside: boolean; zone: boolean }): JSX.Element {
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
      {zone && <span class="item"><i class="dash" aria-hidden="true" />{t("mapSketch")}</span>}
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

  const area = (code: string, i: number): JSX.Element => {
    const district = byCode.get(code)!;
    const fill = fillOf(district);
    return (
      <g key={code} role="button" tabindex={i === current ? 0 : -1} data-code={code}
        data-hover={hovered === code} data-known={fill !== null} aria-pressed={selected === code}
        aria-label={labelOf(district)}
        onClick={() => onSelect(code)} onFocus={() => onHover(code)} onBlur={() => onHover("")}
        onMouseEnter={() => onHover(code)} onMouseLeave={() => onHover("")}>
        <Shape code={code} fill={fill} />
      </g>
    );
  };

  const outside = [...districtPaths].filter(([code]) => !byCode.has(code));
  const kilometres = 20 * pixelsPerKilometre;
  return (
    <div class="map-box">
      <Legend demo={props.demo} outside={outside.length > 0} zone={byCode.has(zoneCode)} />
      <svg ref={root} class="map" viewBox={`0 0 ${mapWidth} ${mapHeight}`} role="group" aria-label={t("mapLabel")}
        onKeyDown={onKey}>
        <defs>
          <HatchPattern id="map-hatch" />
          <clipPath id="parent"><path d={districtPaths.get(zoneParent)} /></clipPath>
          <clipPath id="zone-side"><path d={zoneRegion} /></clipPath>
          <clipPath id="parent-side"><path d={parentRegion} /></clipPath>
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
