// One case: gate, facts, how complete it is, lanes, the exposed, how it hangs together with others.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call } from "../../api/client.ts";
import { t, type WordKey } from "../../catalogue.ts";
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
import { casesAtFirst, ChainSection, ContactTree, NoChain, Sources } from "./chain.tsx";
import { ExposedList } from "./exposed.tsx";
import { Lanes, type CasePage } from "./lanes.tsx";
import { Notices } from "./notices.tsx";

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

// The sections of the page, for the keys 1 to 6: the id of each heading.
const sections: [WordKey, string][] = [
  ["jumpLanes", "lanes-title"],
  ["jumpExposed", "exposed-title"],
  ["jumpChain", "chain-title"],
  ["jumpTree", "tree-title"],
  ["jumpSources", "sources-title"],
  ["jumpNotices", "notices-title"],
];

function jumpTo(id: string): void {
  const heading = document.getElementById(id);
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
  heading.scrollIntoView({ block: "start" });
}

function Jumps(): JSX.Element {
  useKeys(Object.fromEntries(sections.map(([, id], i) => [String(i + 1), () => jumpTo(id)])));
  return (
    <nav class="case-jumps" aria-label={t("jumpLabel")}>
      {sections.map(([word, id], i) => (
        <button key={id} class="button slim" type="button" onClick={() => jumpTo(id)}>
          <kbd>{i + 1}</kbd> {t(word)}
        </button>
      ))}
    </nav>
  );
}

function OpenCase({ id, purpose }: { id: number; purpose: string }): JSX.Element {
  const page = useLoad(`case-${id}`, (signal) =>
    call("GET /api/v1/cases/{id}", { path: { id }, purpose, signal }),
  );
  const [whole, setWhole] = useState(false);
  const chain = useLoad(`chain-${id}-${whole}`, (signal) =>
    call("GET /api/v1/cases/{id}/chain", {
      path: { id },
      query: whole ? {} : { limit: casesAtFirst },
      purpose,
      signal,
    }),
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
      <Jumps />
      <div class="case">
        <div class="case-left">
          <Lanes page={page.value} />
          {chain.value ? (
            <>
              <ChainSection
                chain={chain.value}
                id={id}
                onMore={whole ? null : () => setWhole(true)}
              />
              <ContactTree chain={chain.value} id={id} purpose={purpose} />
            </>
          ) : (
            <NoChain loaded={chain} />
          )}
        </div>
        <div class="case-right">
          <section class="exposed">
            <ExposedList id={id} purpose={purpose} onBack={back} />
          </section>
          <div class="case-more">
            {chain.value && <Sources chain={chain.value} id={id} />}
            <Notices id={id} purpose={purpose} />
          </div>
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
