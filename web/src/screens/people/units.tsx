// Units of the reader's area, by area and kind. No persons.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call, type Answer } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { count } from "../../format.ts";
import { FilteredList } from "../../parts/filtered-list.tsx";
import { useLoad } from "../../parts/load.tsx";
import { usePages } from "../../parts/pages.ts";
import { categoryNames } from "../../policy-names.ts";
import { go } from "../../router.ts";
import { settings } from "../../settings.ts";
import { areaWords } from "../loops/definitions.ts";
import { OwnAreas } from "./areas.tsx";

type Unit = Answer<"GET /api/v1/units">["items"][number];

const pageSize = 500;

export const categoryWords = (category: string | null): string =>
  category ? (categoryNames[category]?.[settings.language] ?? category) : t("kindNone");

export const unitName = (unit: { unit_no: number; name: string | null }): string =>
  unit.name ?? t("seatUnit", { no: unit.unit_no });

function Kinds(props: { area: string; kind: string; onKind(kind: string): void }): JSX.Element {
  const { area, kind, onKind } = props;
  const kinds = useLoad(`unit-kinds ${area}`, (signal) =>
    call("GET /api/v1/units:kinds", { query: area ? { area } : {}, signal }),
  );
  const items = (kinds.value?.items ?? []).filter((one) => one.category);
  const all = (kinds.value?.items ?? []).reduce((sum, one) => sum + one.units, 0);
  return (
    <select
      id="unit-kind"
      aria-label={t("unitKind")}
      value={kind}
      onChange={(event) => onKind(event.currentTarget.value)}
    >
      <option value="">
        {kinds.value ? t("kindAll", { count: count(all) }) : t("kindAllUncounted")}
      </option>
      {kind && !items.some((one) => one.category === kind) && (
        <option value={kind}>{categoryWords(kind)} 0</option>
      )}
      {items.map((one) => (
        <option key={one.category} value={one.category}>
          {categoryWords(one.category)} {count(one.units)}
        </option>
      ))}
    </select>
  );
}

/** What the reader narrowed the list to, for the way back from a unit. */
const narrowed = { area: "", kind: "" };

export function UnitList(): JSX.Element {
  const [area, setArea] = useState(narrowed.area);
  const [kind, setKind] = useState(narrowed.kind);
  const pages = usePages<Unit>(
    `units ${area} ${kind}`,
    (after) =>
      call("GET /api/v1/units", {
        query: {
          limit: pageSize,
          ...(area && { area }),
          ...(kind && { category: kind }),
          ...(after && { after }),
        },
      }),
    { endless: true },
  );
  return (
    <section class="people-home">
      <h1>{t("unitsTitle")}</h1>
      <div class="bar-line">
        <OwnAreas
          id="unit-area"
          area={area}
          onArea={(chosen) => {
            narrowed.area = chosen;
            setArea(chosen);
          }}
        />
        <Kinds
          area={area}
          kind={kind}
          onKind={(chosen) => {
            narrowed.kind = chosen;
            setKind(chosen);
          }}
        />
      </div>
      <FilteredList<Unit>
        id="unit-list"
        memory={`units ${area} ${kind}`}
        label={t("unitsTitle")}
        filterLabel={t("unitsFilter")}
        pages={pages}
        rowHeight={40}
        rowClass="unit-row"
        head={
          <div class="cases-head unit-row" aria-hidden="true">
            <span>{t("thNumber")}</span>
            <span>{t("thUnit")}</span>
            <span class="mid">{t("thKind")}</span>
            <span>{t("thArea")}</span>
          </div>
        }
        none={t("unitsNone")}
        textOf={(row) =>
          `${row.unit_no} ${row.name ?? ""} ${categoryWords(row.category)} ${areaWords(row.area)}`
        }
        keyOf={(row) => row.unit_no}
        loadedWords={(loaded) => t("unitsLoaded", { count: loaded })}
        noMatchWords={(text) => t("unitsNoMatch", { text })}
        onOpen={(row) => go(`/people/units/${row.unit_no}`)}
        onBack={() => go("/people")}
      >
        {(row) => (
          <>
            <span class="keep dim">{row.unit_no}</span>
            <b class="cut">{unitName(row)}</b>
            <span class="mid cut">{categoryWords(row.category)}</span>
            <span class="cut">{areaWords(row.area)}</span>
          </>
        )}
      </FilteredList>
    </section>
  );
}
