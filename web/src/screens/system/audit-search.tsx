// Who looked at whom: the acts of one user, or who opened one person, by number. A purpose comes first,
// and the question is itself a record of the chain.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem, call, type Answer, type Problem } from "../../api/client.ts";
import { t, wordFor } from "../../catalogue.ts";
import { count, dayAndClock } from "../../format.ts";
import { problemWords } from "../../parts/load.tsx";
import { PurposeGate, usePurpose } from "../../parts/purpose.tsx";
import { roleWords, type Session } from "../login.tsx";

type Record = Answer<"GET /api/v1/audit/records">["items"][number];
type Asked = { actor: string } | { person: number };

const pageSize = 100;

interface Found {
  asked: Asked;
  rows: Record[];
  next: string | null;
}

const actWords = (act: string): string => wordFor("act", act.replaceAll(".", "_")) ?? act;

function Results({ found, busy, onMore }: { found: Found; busy: boolean; onMore(): void }): JSX.Element {
  const { rows, next, asked } = found;
  const who = "actor" in asked ? asked.actor : t("person", { no: asked.person });
  return (
    <>
      <p class="small" role="status">
        {t(rows.length ? (next ? "searchSome" : "searchAll") : "searchNone", {
          count: rows.length,
          who,
        })}
      </p>
      {rows.length > 0 && (
        <div class="scroll-x" tabIndex={0} role="group" aria-label={t("searchTable")}>
          <table>
            <thead>
              <tr>
                <th scope="col" class="right">
                  {t("thRecord")}
                </th>
                <th scope="col">{t("thWhen")}</th>
                <th scope="col">{t("thUser")}</th>
                <th scope="col">{t("thAct")}</th>
                <th scope="col">{t("thPurpose")}</th>
                <th scope="col">{t("thWhom")}</th>
                <th scope="col" class="right">
                  {t("thRows")}
                </th>
                <th scope="col">{t("thFields")}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.no}>
                  <th scope="row" class="right">
                    {row.no}
                  </th>
                  <td>{dayAndClock(row.at)}</td>
                  <td>
                    {row.user} <span class="quiet">{roleWords(row.role)}</span>
                  </td>
                  <td>{actWords(row.act)}</td>
                  <td>
                    {row.purpose}
                    {row.reason && <span class="small dim block">{row.reason}</span>}
                  </td>
                  <td>{row.subject_no === null ? "" : t("person", { no: row.subject_no })}</td>
                  <td class="right">{row.rows ? count(row.rows) : ""}</td>
                  <td class="small dim">{row.fields}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {next && (
        <p>
          <button class="button slim" type="button" disabled={busy} onClick={onMore}>
            {t("searchMore")}
          </button>
        </p>
      )}
    </>
  );
}

interface Props {
  reader: Session;
  /** Chosen elsewhere on the page. */
  user: string;
}

export function AuditSearch({ reader, user }: Props): JSX.Element {
  const { purpose: given, give } = usePurpose(["audit"]);
  const purpose = given?.value ?? "";
  const [opened, setOpened] = useState(false);
  const [actor, setActor] = useState("");
  const [person, setPerson] = useState("");
  const [found, setFound] = useState<Found | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!user) return;
    setActor(user);
    setPerson("");
    setOpened(true);
    box.current?.scrollIntoView({ block: "start" });
    if (purpose) void ask({ actor: user }, "");
  }, [user]);

  async function ask(asked: Asked, after: string): Promise<void> {
    setBusy(true);
    setProblem(null);
    try {
      const page = await call("GET /api/v1/audit/records", {
        query: { ...asked, limit: pageSize, ...(after && { after }) },
        purpose,
      });
      setFound((old) => ({
        asked,
        rows: after && old ? [...old.rows, ...page.items] : page.items,
        next: page.next,
      }));
    } catch (reason) {
      setProblem(asProblem(reason));
    }
    setBusy(false);
  }
  const asked: Asked | null = actor.trim()
    ? { actor: actor.trim() }
    : /^[1-9]\d*$/.test(person.trim())
      ? { person: Number(person) }
      : null;
  return (
    <section ref={box} class="audit-search">
      <h2>{t("searchTitle")}</h2>
      {!opened && (
        <p>
          <button class="button" type="button" onClick={() => setOpened(true)}>
            {t("searchOpen")}
          </button>
        </p>
      )}
      {opened && !purpose && (
        <PurposeGate
          title={t("searchGate")}
          session={reader}
          matter={{ kind: "review" }}
          onOpen={give}
        />
      )}
      {opened && purpose && (
        <>
          <form
            class="form-fields"
            onSubmit={(event) => {
              event.preventDefault();
              if (asked) void ask(asked, "");
            }}
          >
            <div class="form-field">
              <label for="audit-actor">{t("searchActor")}</label>
              <input
                id="audit-actor"
                name="actor"
                autocomplete="off"
                value={actor}
                onInput={(event) => {
                  setActor(event.currentTarget.value);
                  if (event.currentTarget.value) setPerson("");
                }}
              />
            </div>
            <div class="form-field">
              <label for="audit-person">{t("searchPerson")}</label>
              <input
                id="audit-person"
                name="person"
                inputMode="numeric"
                autocomplete="off"
                value={person}
                onInput={(event) => {
                  setPerson(event.currentTarget.value);
                  if (event.currentTarget.value) setActor("");
                }}
              />
            </div>
            <button class="button main" type="submit" disabled={busy || !asked}>
              {t("searchAct")}
            </button>
          </form>
          {problem && (
            <p class="notice bad" role="alert">
              {problemWords(problem)}
            </p>
          )}
          {found && (
            <Results found={found} busy={busy} onMore={() => void ask(found.asked, found.next ?? "")} />
          )}
        </>
      )}
    </section>
  );
}
