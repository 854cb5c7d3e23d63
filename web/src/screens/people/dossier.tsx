// One person: the purpose first; then the status and why, what it follows from, and what is under way.
// Name, number and phone stay behind a lock of their own until they are asked for.
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { call } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { Icon } from "../../parts/icons.tsx";
import { useKeys } from "../../parts/keys.tsx";
import { useLoad, Waiting } from "../../parts/load.tsx";
import { PurposeGate, PurposeLine, usePurpose, type Purpose } from "../../parts/purpose.tsx";
import { follow, usePlace } from "../../router.ts";
import { areaWords } from "../loops/definitions.ts";
import type { Session } from "../login.tsx";
import { backToList } from "./back.ts";
import { Looks, LoopsAbout, OpenLoopAbout, Sources, Stays } from "./around.tsx";
import { RedressPart } from "./redress.tsx";
import { Evidence, StatusNow, Why } from "./status.tsx";
import { bornWords, fieldWords, missingWords, PersonName } from "./words.tsx";

function Closed({ children }: { children: ComponentChildren }): JSX.Element {
  useKeys({ Escape: backToList });
  return <>{children}</>;
}

function OpenIdentity(props: { no: number; purpose: Purpose; session: Session }): JSX.Element {
  const { no, purpose, session } = props;
  const loaded = useLoad(`person-${no}`, (signal) =>
    call("GET /api/v1/persons/{no}", { path: { no }, purpose: purpose.value, signal }),
  );
  const person = loaded.value;
  if (!person) return <Waiting loaded={loaded} />;
  const home = session.reads["home"] === "full" ? "home" : "";
  const rows: [string, string, ComponentChildren][] = [
    ["id_number", t("idNumber"), person.id_number],
    ["phone", t("phone"), person.phone],
    ["birth", t("thBorn"), person.birth_year ? bornWords(person) : null],
    ["home", t("thHome"), areaWords(person.area) || null],
    [home, t("household"), person.household_no],
    [
      home,
      t("subject_unit"),
      person.unit_no && (
        <a href={`/people/units/${person.unit_no}`} onClick={follow}>
          {person.unit_no}
        </a>
      ),
    ],
  ];
  return (
    <dl class="facts" data-identity>
      <div>
        <dt>{t("name")}</dt>
        <dd>
          <PersonName name={person.name} reads={session.reads} />
        </dd>
      </div>
      {rows.map(([field, words, value]) => (
        <div key={words}>
          <dt>{words}</dt>
          <dd class="keep">
            {value ?? <span class="quiet">{missingWords(session.reads, field)}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** What the role is shown of a person, as a list of fields in the server's own form. */
const shownFields = (reads: Session["reads"]): string =>
  ["name", "id_number", "phone", "birth", "home"]
    .filter((field) => field in reads)
    .map((field) => (reads[field] === "partial" ? `${field} in part` : field))
    .join(",");

function Identity(props: { no: number; purpose: Purpose; session: Session }): JSX.Element {
  const { no, purpose, session } = props;
  const [open, setOpen] = useState(false);
  const may = session.permissions.includes("person.read");
  useKeys(may && !open ? { o: () => setOpen(true) } : {});
  return (
    <section class="identity" aria-label={t("identity")}>
      {open ? (
        <OpenIdentity no={no} purpose={purpose} session={session} />
      ) : may ? (
        <>
          <button class="button" type="button" onClick={() => setOpen(true)}>
            <Icon name="lock" />
            {t("identityOpen")} <kbd>O</kbd>
          </button>
          <span class="small dim">
            {t("identityNote", { fields: fieldWords(shownFields(session.reads)) })}
          </span>
        </>
      ) : (
        <span class="small dim">
          <Icon name="lock" /> {t("identityNever")}
        </span>
      )}
    </section>
  );
}

function Head(props: { no: number; purpose: Purpose; session: Session; onChange(): void }): JSX.Element {
  const { no, purpose, session, onChange } = props;
  return (
    <header class="dossier-head">
      <div class="bar-line">
        <button class="button slim" type="button" onClick={backToList}>
          ← {t("peopleBack")} <kbd>Esc</kbd>
        </button>
        <h1>{t("dossierTitle", { no })}</h1>
        <PurposeLine purpose={purpose} onChange={onChange} />
      </div>
      <Identity no={no} purpose={purpose} session={session} />
    </header>
  );
}

function Parts(props: { no: number; purpose: Purpose; session: Session }): JSX.Element {
  const { no, purpose, session } = props;
  const may = (permission: string): boolean => session.permissions.includes(permission);
  const seesEvidence = session.reads["evidence"] === "full";
  const [at, setAt] = useState("");
  const status = useLoad(`status-${no}-${at}`, (signal) =>
    call("GET /api/v1/persons/{no}/status", {
      path: { no },
      query: at ? { at } : {},
      purpose: purpose.value,
      signal,
    }),
  );
  // What the first answer does not open, the others do not either.
  const evidence = useLoad(status.value && seesEvidence ? `evidence-${no}` : null, (signal) =>
    call("GET /api/v1/persons/{no}/evidence", { path: { no }, purpose: purpose.value, signal }),
  );
  const [known, setKnown] = useState(false);
  if (status.value && !known) setKnown(true);
  if (!known) return <Waiting loaded={status} />;
  const pieces = evidence.value?.items ?? [];
  const part = { no, purpose: purpose.value, session };
  return (
    <div class={`dossier${at ? " past" : ""}`}>
      <div class="dossier-left">
        <StatusNow status={status} at={at} onAt={setAt} />
        {status.value && <Why status={status.value} pieces={pieces} seesEvidence={seesEvidence} />}
        {seesEvidence && status.value && <Evidence loaded={evidence} status={status.value} />}
        {"places" in session.reads && <Stays {...part} />}
      </div>
      <div class="dossier-right">
        {at && <p class="notice">{t("rightIsNow")}</p>}
        {may("loop.read") && <LoopsAbout {...part} kind="person" />}
        {may("loop.act") && !at && <OpenLoopAbout kind="person" no={no} />}
        {seesEvidence && (
          <RedressPart
            {...part}
            past={at !== ""}
            color={status.value?.color ?? null}
            pieces={pieces}
            onChange={() => {
              status.reload();
              evidence.reload();
            }}
          />
        )}
        {"home" in session.reads && <Sources {...part} />}
        {may("glass.review") && <Looks {...part} />}
      </div>
    </div>
  );
}

export function DossierScreen({ no, session }: { no: number; session: Session }): JSX.Element {
  const from = usePlace().query.get("for") ?? "";
  const { purpose, ended, give, drop } = usePurpose([`person:${no}`, "people"]);
  if (!session.permissions.includes("status.read"))
    return (
      <p class="notice bad" role="alert">
        {t("failedForbidden")}
      </p>
    );
  if (!purpose)
    return (
      <Closed>
        <PurposeGate
          title={t("gateDossierTitle", { no })}
          session={session}
          matter={{ kind: "person", no, ...(/^case:[1-9]\d*$/.test(from) && { from }) }}
          ended={ended}
          onOpen={give}
        />
      </Closed>
    );
  return (
    <Closed>
      <article key={purpose.value} class="dossier-page">
        <Head no={no} purpose={purpose} session={session} onChange={drop} />
        <Parts no={no} purpose={purpose} session={session} />
      </article>
    </Closed>
  );
}
