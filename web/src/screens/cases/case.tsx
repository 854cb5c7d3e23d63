// One case: gate, facts, how complete it is, lanes, the exposed, links with other cases.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { areaName, count, dayAndClock, percent } from "../../format.ts";
import { ColorChip } from "../../parts/color-chip.tsx";
import { HatchPattern, Icon } from "../../parts/icons.tsx";
import { useKeys } from "../../parts/keys.tsx";
import { useLoad, Waiting } from "../../parts/load.tsx";
import { PurposeGate } from "../../parts/purpose.tsx";
import { go } from "../../router.ts";
import { settings } from "../../settings.ts";
import type { Session } from "../login.tsx";
import { kindWords } from "./case-list.tsx";
import { ExposedList } from "./exposed.tsx";
import { Lanes, type CasePage } from "./lanes.tsx";

const back = (): void => go("/cases");

function Facts({ page, purpose }: { page: CasePage; purpose: string }): JSX.Element {
  const { status } = page;
  return (
    <header class="head">
      <button class="button slim" type="button" onClick={back}>
        ← {t("caseBack")} <kbd>Esc</kbd>
      </button>
      <h1>
        {t("caseNumber", { id: page.id })}
        {"　"}
        {page.name ?? t("nameHidden")}
        {"　"}
        {areaName(page.area)}
      </h1>
      <dl class="facts">
        <div>
          <dt>{t("thKind")}</dt>
          <dd>{kindWords(page.kind)}</dd>
        </div>
        <div>
          <dt>{t("thSampled")}</dt>
          <dd>{dayAndClock(page.at)}</dd>
        </div>
        <div>
          <dt>{t("thReported")}</dt>
          <dd>{dayAndClock(page.recorded_at)}</dd>
        </div>
        <div>
          <dt>{t("caseStatus")}</dt>
          <dd>
            <ColorChip color={status.color} />{" "}
            {status.until && t("until", { time: dayAndClock(status.until) })}
          </dd>
        </div>
      </dl>
      <p class="small dim">{status.reasons[0]?.words[settings.language]}</p>
      <span class="quiet">
        <Icon name="lock" /> {t("caseRecorded", { purpose })}
      </span>
    </header>
  );
}

function Share({ part, whole }: { part: number; whole: number }): JSX.Element {
  const wide = whole ? (part / whole) * 83 : 0;
  return (
    <svg class="share" viewBox="0 0 84 9" aria-hidden="true">
      <rect class="miss" x="0.5" y="0.5" width="83" height="8" fill="url(#share-hatch)" />
      <rect class="have" x="0.5" y="0.5" width={wide} height="8" />
    </svg>
  );
}

function Completeness({ page }: { page: CasePage }): JSX.Element {
  const known = page.completeness;
  return (
    <section class="complete" aria-labelledby="complete-title">
      <svg class="sr" aria-hidden="true">
        <defs>
          <HatchPattern id="share-hatch" />
        </defs>
      </svg>
      <h2 id="complete-title">{t("completeTitle")}</h2>
      {!known.visits && <p>{t("completeNone")}</p>}
      {known.visits > 0 && (
        <p>
          <Share part={known.visits_direct} whole={known.visits} />
          {t("completeDirect", {
            visits: count(known.visits),
            direct: count(known.visits_direct),
            share: percent(known.share_direct),
          })}
        </p>
      )}
      {known.venues_visited > 0 && (
        <p>
          <Share part={known.venues_visited - known.venues_silent} whole={known.venues_visited} />
          {known.venues_silent
            ? t("completeVenues", { venues: known.venues_visited, silent: known.venues_silent })
            : t("completeVenuesAll", { venues: known.venues_visited })}
        </p>
      )}
      <p>
        <Share part={known.days - known.days_missing} whole={known.days} />
        {known.days_missing
          ? t("completeDays", { days: known.days, missing: known.days_missing })
          : t("completeDaysAll", { days: known.days })}
      </p>
    </section>
  );
}

function Links({ id, purpose }: { id: number; purpose: string }): JSX.Element | null {
  const chain = useLoad(`chain-${id}`, (signal) =>
    call("GET /api/v1/cases/{id}/chain", { path: { id }, purpose, signal }),
  );
  if (!chain.value) return null;
  const edges = chain.value.edges.filter((edge) => edge.from === id || edge.to === id);
  return (
    <section aria-labelledby="chain-title">
      <h2 id="chain-title">{t("chainTitle")}</h2>
      {!edges.length && <p class="small dim">{t("chainNone")}</p>}
      <ul class="links">
        {edges.map((edge) => {
          const other = edge.from === id ? edge.to : edge.from;
          const node = chain.value?.nodes.find((row) => row.id === other);
          return (
            <li key={`${edge.from}-${edge.to}`}>
              <b>{edge.weight.toFixed(2)}</b>
              <span>{t(edge.from === id ? "chainTo" : "chainFrom", { id: other })}</span>
              <span class="dim">
                {node?.name} {node && areaName(node.area)}
              </span>
              {edge.likely && <span class="dim">{t("chainLikely")}</span>}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function OpenCase({ id, purpose }: { id: number; purpose: string }): JSX.Element {
  const page = useLoad(`case-${id}`, (signal) =>
    call("GET /api/v1/cases/{id}", { path: { id }, purpose, signal }),
  );
  // The keys of this page belong to the list of the exposed, where Esc goes back.
  if (!page.value)
    return (
      <ClosedCase>
        <Waiting loaded={page} />
      </ClosedCase>
    );
  return (
    <>
      <Facts page={page.value} purpose={purpose} />
      <Completeness page={page.value} />
      <div class="case">
        <div class="case-left">
          <Lanes page={page.value} />
          <Links id={id} purpose={purpose} />
        </div>
        <div class="case-right">
          <ExposedList id={id} purpose={purpose} onBack={back} />
        </div>
      </div>
    </>
  );
}

function ClosedCase({ children }: { children: JSX.Element }): JSX.Element {
  useKeys({ Escape: back });
  return children;
}

export function CaseScreen({ id, session }: { id: number; session: Session }): JSX.Element {
  const [purpose, setPurpose] = useState("");
  useEffect(() => setPurpose(""), [id]);
  if (purpose !== `case:${id}`)
    return (
      <ClosedCase>
        <PurposeGate
          key={id}
          title={t("gateCaseTitle", { id })}
          session={session}
          matter={{ kind: "case", id }}
          onOpen={(given) => setPurpose(given.value)}
        />
      </ClosedCase>
    );
  return <OpenCase key={id} id={id} purpose={purpose} />;
}
