// One unit: what it is, how many people belong to it, the venues that it runs, and the loops about it.
import type { JSX } from "preact";
import { call, type Answer } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { count } from "../../format.ts";
import { useKeys } from "../../parts/keys.tsx";
import { useLoad, Waiting } from "../../parts/load.tsx";
import { go } from "../../router.ts";
import { areaWords } from "../loops/definitions.ts";
import type { Session } from "../login.tsx";
import { LoopsAbout, OpenLoopAbout } from "./around.tsx";
import { categoryWords, unitName } from "./units.tsx";

type Unit = Answer<"GET /api/v1/units/{no}">;

const back = (): void => go("/people/units");

function peopleWords(unit: Unit): string {
  if (unit.people_below !== null) return t("peopleBelow", { below: unit.people_below });
  return unit.people === null ? t("unknown") : t("peopleCount", { count: count(unit.people) });
}

function Facts({ unit }: { unit: Unit }): JSX.Element {
  return (
    <dl class="facts">
      <div>
        <dt>{t("thKind")}</dt>
        <dd>{categoryWords(unit.category)}</dd>
      </div>
      <div>
        <dt>{t("thArea")}</dt>
        <dd>{areaWords(unit.area) || t("unknown")}</dd>
      </div>
      <div>
        <dt>{t("creditCode")}</dt>
        <dd>{unit.credit_code ?? <span class="quiet">{t("notOnRecord")}</span>}</dd>
      </div>
      <div>
        <dt>{t("peopleOfUnit")}</dt>
        <dd data-people>{peopleWords(unit)}</dd>
      </div>
    </dl>
  );
}

function Venues({ unit }: { unit: Unit }): JSX.Element {
  return (
    <section aria-labelledby="venues-title">
      <h2 id="venues-title">{t("unitVenues", { count: unit.venues.length })}</h2>
      {!unit.venues.length && <p class="dim small">{t("unitVenuesNone")}</p>}
      <ul class="record-lines">
        {unit.venues.map((venue) => (
          <li key={venue.venue_no}>
            <b>{venue.name ?? t("venueNumbered", { no: venue.venue_no })}</b>
            <span class="dim">
              {categoryWords(venue.category)} · {areaWords(venue.area)}
            </span>
            {venue.closed && <span class="chip">{t("venueClosed")}</span>}
          </li>
        ))}
      </ul>
      {unit.more_venues && <p class="quiet">{t("unitVenuesMore", { count: unit.venues.length })}</p>}
    </section>
  );
}

export function UnitScreen({ no, session }: { no: number; session: Session }): JSX.Element {
  const loaded = useLoad(`unit-${no}`, (signal) =>
    call("GET /api/v1/units/{no}", { path: { no }, signal }),
  );
  useKeys({ Escape: back });
  const unit = loaded.value;
  const may = (permission: string): boolean => session.permissions.includes(permission);
  return (
    <article class="dossier-page">
      <header class="dossier-head">
        <div class="bar-line">
          <button class="button slim" type="button" onClick={back}>
            ← {t("unitsBack")} <kbd>Esc</kbd>
          </button>
          <h1>{unit ? unitName(unit) : t("seatUnit", { no })}</h1>
          <span class="quiet">{t("seatUnit", { no })}</span>
        </div>
        {unit && <Facts unit={unit} />}
      </header>
      {!unit && <Waiting loaded={loaded} />}
      {unit && (
        <div class="dossier">
          <div class="dossier-left">
            {may("loop.read") && <LoopsAbout kind="unit" no={no} />}
            {may("loop.act") && <OpenLoopAbout kind="unit" no={no} />}
          </div>
          <div class="dossier-right">
            <Venues unit={unit} />
          </div>
        </div>
      )}
    </article>
  );
}
