// A choice among the areas that are the reader's own; nothing where there is only one.
import type { JSX } from "preact";
import { t } from "../../catalogue.ts";
import { useLoad } from "../../parts/load.tsx";
import { areaName } from "../../format.ts";
import { readAreas } from "../loops/definitions.ts";

interface Props {
  id: string;
  area: string;
  onArea(area: string): void;
}

export function OwnAreas({ id, area, onArea }: Props): JSX.Element | null {
  const areas = useLoad("areas", readAreas);
  const own = [...(areas.value?.values() ?? [])].filter((one) => one.own);
  if (own.length < 2) return null;
  const below = own.slice(1);
  const [lowest] = [...below].map((one) => one.level).sort();
  return (
    <select
      id={id}
      aria-label={t("areaChoice")}
      value={area}
      onChange={(event) => onArea(event.currentTarget.value)}
    >
      <option value="">{t("areaAll", { area: areaName(own[0]!) })}</option>
      {below.map((one) => (
        <option key={one.code} value={one.code}>
          {one.level === lowest ? "" : "　"}
          {areaName(one)}
        </option>
      ))}
    </select>
  );
}
