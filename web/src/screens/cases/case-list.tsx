// The cases of an area: the gate first, then a list of any length. Esc on a case comes back to the
// same row; a purpose that was given for the list holds for this page's life.
import type { JSX } from "preact";
import { call, type Answer } from "../../api/client.ts";
import { t, wordFor } from "../../catalogue.ts";
import { areaName, dayAndClock } from "../../format.ts";
import { FilteredList } from "../../parts/filtered-list.tsx";
import { useKeys } from "../../parts/keys.tsx";
import { usePages } from "../../parts/pages.ts";
import { PurposeGate, PurposeLine, usePurpose } from "../../parts/purpose.tsx";
import { go, usePlace } from "../../router.ts";
import type { Session } from "../login.tsx";

type Case = Answer<"GET /api/v1/cases">["items"][number];

const pageSize = 200;
const duties = ["know_cases", "case_investigation", "case_review"];

export const kindWords = (kind: string): string => wordFor("kind", kind) ?? kind;

const textOf = (row: Case): string =>
  `${t("caseNumber", { id: row.id })} ${row.name ?? ""} ${areaName(row.area)} ${kindWords(row.kind)}`;

function Head(): JSX.Element {
  return (
    <div class="cases-head cases-row" aria-hidden="true">
      <span>{t("thCase")}</span>
      <span>{t("thPerson")}</span>
      <span class="cut">{t("thArea")}</span>
      <span class="mid">{t("thKind")}</span>
      <span class="wide">{t("thSampled")}</span>
      <span class="wide">{t("thReported")}</span>
    </div>
  );
}

function CaseRows({ area, purpose }: { area: string; purpose: string }): JSX.Element {
  const pages = usePages(
    `cases ${area} ${purpose}`,
    (after) =>
      call("GET /api/v1/cases", {
        query: { limit: pageSize, ...(area && { area }), ...(after && { after }) },
        purpose,
      }),
    { endless: true },
  );
  return (
    <FilteredList<Case>
      id="case-list"
      memory={`cases ${area}`}
      label={t("casesTitle")}
      filterLabel={t("casesFilter")}
      pages={pages}
      rowHeight={44}
      rowClass="cases-row"
      head={<Head />}
      none={t("casesNone")}
      textOf={textOf}
      keyOf={(row) => row.id}
      loadedWords={(count) => t("casesLoaded", { count })}
      noMatchWords={(text) => t("casesNoMatch", { text })}
      onOpen={(row) => go(`/cases/${row.id}`)}
      onBack={() => go(area ? `/?area=${area}` : "/")}
    >
      {(row) => (
        <>
          <b class="keep">{t("caseNumber", { id: row.id })}</b>
          <span class="keep">{row.name ?? t("nameHidden")}</span>
          <span class="cut">{areaName(row.area)}</span>
          <span class="mid cut">{kindWords(row.kind)}</span>
          <span class="wide keep">{dayAndClock(row.at)}</span>
          <span class="wide keep">{dayAndClock(row.recorded_at)}</span>
        </>
      )}
    </FilteredList>
  );
}

export function CaseListScreen({ session }: { session: Session }): JSX.Element {
  const area = usePlace().query.get("area") ?? "";
  const { purpose, give, drop } = usePurpose(["cases"]);
  useKeys(purpose ? {} : { Escape: () => go("/") });
  if (!duties.some((duty) => session.duties.includes(duty)))
    return (
      <p class="notice bad" role="alert">
        {t("failedForbidden")}
      </p>
    );
  if (!purpose)
    return (
      <PurposeGate
        title={t("gateListTitle")}
        session={session}
        matter={{ kind: "list", duties }}
        onOpen={give}
      />
    );
  return (
    <div class="cases-page">
      <div class="bar-line">
        <h1>{t("casesTitle")}</h1>
        <PurposeLine purpose={purpose} onChange={drop} />
      </div>
      <CaseRows key={area} area={area} purpose={purpose.value} />
    </div>
  );
}
