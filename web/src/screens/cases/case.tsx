// One case: gate, facts, how complete it is, lanes, the exposed, how it hangs together with others.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call } from "../../api/client.ts";
import { t, type WordKey } from "../../catalogue.ts";
import { areaName, count, dayAndClock, percent, secondsOf } from "../../format.ts";
import { ColorChip } from "../../parts/color-chip.tsx";
import { HatchPattern, Icon } from "../../parts/icons.tsx";
import { useKeys } from "../../parts/keys.tsx";
import { useLoad, Waiting } from "../../parts/load.tsx";
import { PurposeGate } from "../../parts/purpose.tsx";
import { follow, go } from "../../router.ts";
import { settings } from "../../settings.ts";
import type { Session } from "../login.tsx";
import { kindWords } from "./case-list.tsx";
import { casesAtFirst, ChainSection, ContactTree, NoChain, Sources } from "./chain.tsx";
import { ExposedList } from "./exposed.tsx";
import { Lanes, type CasePage } from "./lanes.tsx";
import { Notices } from "./notices.tsx";

const back = (): void => go("/cases");

type Reason = CasePage["status"]["reasons"][number];

/** What decides how long the status lasts: a correction, else what has no end, else what ends last;
 *  of equals the case itself. */
export function decidingReason(reasons: readonly Reason[]): Reason | undefined {
  const endOf = (reason: Reason): number => (reason.until ? secondsOf(reason.until) : Infinity);
  const rank = (reason: Reason): number =>
    reason.rule === "override" ? 2 : reason.rule.startsWith("case.") ? 1 : 0;
  return [...reasons].sort(
    (a, b) =>
      Number(rank(b) === 2) - Number(rank(a) === 2) ||
      (endOf(a) === endOf(b) ? rank(b) - rank(a) : endOf(b) - endOf(a)),
  )[0];
}

/** The reason that decides, and where the others are. */
function Why({ page, session }: { page: CasePage; session: Session }): JSX.Element {
  const { reasons } = page.status;
  const more = t("caseReasonsAll", { count: reasons.length });
  return (
    <p class="small dim" data-case-reason>
      {decidingReason(reasons)?.words[settings.language]}{" "}
      {session.permissions.includes("status.read") ? (
        <a href={`/people/${page.person_no}?for=case:${page.id}`} onClick={follow}>
          {reasons.length > 1 ? more : t("placesDossier", { no: page.person_no })}
        </a>
      ) : (
        reasons.length > 1 && more
      )}
    </p>
  );
}

function untilWords({ color, until }: CasePage["status"]): string {
  if (until) return t("until", { time: dayAndClock(until) });
  return color === "red" || color === "yellow" ? t("statusOpenEnd") : "";
}

function Facts(props: { page: CasePage; purpose: string; session: Session }): JSX.Element {
  const { page, purpose, session } = props;
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
            <ColorChip color={status.color} /> {untilWords(status)}
          </dd>
        </div>
      </dl>
      <Why page={page} session={session} />
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

/** Of the stays while infectious how many are direct; of the venues of all days how many were in use;
 *  of the days which have no data, and which have none of this person. */
function Completeness({ page }: { page: CasePage }): JSX.Element {
  const known = page.completeness;
  const { visits, visits_direct: direct, under_way: underWay } = page.window;
  const scanned = page.days.filter((day) =>
    page.lanes.some((lane) => lane.visits.some((visit) => visit.time.startsWith(day))),
  ).length;
  const quiet = Math.max(0, known.days - known.days_missing - scanned);
  return (
    <section class="complete" aria-labelledby="complete-title">
      <svg class="sr" aria-hidden="true">
        <defs>
          <HatchPattern id="share-hatch" />
        </defs>
      </svg>
      <h2 id="complete-title">{t("completeTitle")}</h2>
      {!visits && <p data-infectious={0}>{t("completeNone")}</p>}
      {visits > 0 && (
        <p data-infectious={visits}>
          <Share part={direct} whole={visits} />
          {t("completeDirect", {
            visits: count(visits),
            direct: count(direct),
            share: percent(direct / visits),
          })}
          {underWay > 0 && t("completeUnderWay", { time: dayAndClock(page.window.from) })}
        </p>
      )}
      {known.venues_visited > 0 && (
        <p>
          <Share part={known.venues_visited - known.venues_silent} whole={known.venues_visited} />
          {known.venues_silent
            ? t("completeVenues", {
                days: known.days,
                venues: known.venues_visited,
                silent: known.venues_silent,
              })
            : t("completeVenuesAll", { days: known.days, venues: known.venues_visited })}
        </p>
      )}
      <p data-days={scanned}>
        <Share part={scanned} whole={known.days} />
        {[
          t("completeDays", { days: known.days, scanned }),
          known.days_missing ? t("completeDaysMissing", { missing: known.days_missing }) : "",
          quiet ? t("completeDaysQuiet", { quiet }) : "",
        ]
          .filter(Boolean)
          .join(t("completeAnd"))}
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

function OpenCase(props: { id: number; purpose: string; session: Session }): JSX.Element {
  const { id, purpose, session } = props;
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
      <Facts page={page.value} purpose={purpose} session={session} />
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
  return <OpenCase key={id} id={id} purpose={purpose} session={session} />;
}
