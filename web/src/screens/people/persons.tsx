// Persons: the purpose first, then a look-up by ID number, one by its number, and the list of whom the
// role reaches, as the server masks them.
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { call, type Answer } from "../../api/client.ts";
import { t, wordFor } from "../../catalogue.ts";
import { useAct } from "../../parts/act.ts";
import { FilteredList } from "../../parts/filtered-list.tsx";
import { useKeys } from "../../parts/keys.tsx";
import { usePages } from "../../parts/pages.ts";
import { PurposeGate, PurposeLine, usePurpose, type Purpose } from "../../parts/purpose.tsx";
import { go } from "../../router.ts";
import { areaWords } from "../loops/definitions.ts";
import { refusalWords } from "../loops/words.ts";
import type { Session } from "../login.tsx";
import { OwnAreas } from "./areas.tsx";
import type { PaneProps } from "./people.tsx";
import { bornWords, missingWords, PersonName } from "./words.tsx";

type Person = Answer<"GET /api/v1/persons">["items"][number];
type Where = "responsible" | "stay" | "own_unit";

const pageSize = 200;

/** Opens a dossier by its number: it asks its own purpose where none was given. */
function ByNumber(): JSX.Element {
  const [text, setText] = useState("");
  const [bad, setBad] = useState(false);
  return (
    <form
      class="look-up"
      onSubmit={(event) => {
        event.preventDefault();
        const number = text.trim();
        const good = /^[1-9]\d{0,9}$/.test(number);
        setBad(!good);
        if (good) go(`/people/${number}`);
      }}
    >
      <label class="field" for="person-number">
        {t("byNumber")}
      </label>
      <input
        id="person-number"
        inputMode="numeric"
        autocomplete="off"
        value={text}
        aria-invalid={bad || undefined}
        aria-describedby={bad ? "person-number-bad" : undefined}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button class="button" type="submit">
        {t("openDossier")}
      </button>
      {bad && (
        <span id="person-number-bad" class="error" role="alert">
          {t("byNumberBad")}
        </span>
      )}
    </form>
  );
}

/** What was typed stays only as long as the look-up is under way. */
function ByIdNumber({ purpose }: { purpose: Purpose }): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const act = useAct();
  const search = (): Promise<void> =>
    act.run(async () => {
      const id_number = input.current?.value.trim() ?? "";
      const person = await call("POST /api/v1/persons:search", {
        body: { id_number },
        purpose: purpose.value,
      });
      go(`/people/${person.person_no}`);
    });
  return (
    <form
      class="look-up"
      onSubmit={(event) => {
        event.preventDefault();
        void search();
      }}
    >
      <label class="field" for="person-id-number">
        {t("byIdNumber")}
      </label>
      <input
        ref={input}
        id="person-id-number"
        autocomplete="off"
        spellcheck={false}
        maxLength={18}
        aria-invalid={act.problem !== null || undefined}
        aria-describedby="person-id-number-hint"
      />
      <button class="button" type="submit" disabled={act.busy}>
        {t("lookUp")}
      </button>
      {act.problem ? (
        <span id="person-id-number-hint" class="error" role="alert">
          {act.problem.status === 404 ? t("byIdNumberNobody") : refusalWords(act.problem)}
        </span>
      ) : (
        <span id="person-id-number-hint" class="quiet">
          {t("byIdNumberHint")}
        </span>
      )}
    </form>
  );
}

const textOf = (row: Person): string =>
  [row.person_no, row.name, row.id_number, row.phone, areaWords(row.area), bornWords(row)].join(" ");

function Head(): JSX.Element {
  return (
    <div class="cases-head person-row" aria-hidden="true">
      <span>{t("thNumber")}</span>
      <span>{t("name")}</span>
      <span class="wide">{t("thIdNumber")}</span>
      <span class="wide">{t("thPhone")}</span>
      <span class="mid">{t("thBorn")}</span>
      <span class="cut">{t("thHome")}</span>
    </div>
  );
}

function PersonRows({ purpose, session }: { purpose: string; session: Session }): JSX.Element {
  const places = session.where.filter((place): place is Where => place !== "reporting");
  const [where, setWhere] = useState<Where>(places[0] ?? "responsible");
  const [area, setArea] = useState("");
  const pages = usePages(
    `persons ${where} ${area} ${purpose}`,
    (after) =>
      call("GET /api/v1/persons", {
        query: {
          limit: pageSize,
          where,
          ...(area && where !== "own_unit" && { area }),
          ...(after && { after }),
        },
        purpose,
      }),
    { endless: true },
  );
  return (
    <>
      <div class="bar-line">
        {places.length > 1 && (
          <select
            aria-label={t("whereLabel")}
            value={where}
            onChange={(event) => setWhere(event.currentTarget.value as Where)}
          >
            {places.map((place) => (
              <option key={place} value={place}>
                {wordFor("where", place) ?? place}
              </option>
            ))}
          </select>
        )}
        {places.length === 1 && <span class="small dim">{wordFor("where", where) ?? where}</span>}
        {where !== "own_unit" && <OwnAreas id="person-area" area={area} onArea={setArea} />}
      </div>
      <FilteredList<Person>
        id="person-list"
        memory={`persons ${where} ${area}`}
        label={t("personsTitle")}
        filterLabel={t("personsFilter")}
        pages={pages}
        rowHeight={40}
        rowClass="person-row"
        head={<Head />}
        none={t("personsNone")}
        textOf={textOf}
        keyOf={(row) => row.person_no}
        loadedWords={(count) => t("personsLoaded", { count })}
        noMatchWords={(text) => t("personsNoMatch", { text })}
        onOpen={(row) => go(`/people/${row.person_no}`)}
        onBack={() => go("/")}
      >
        {(row) => (
          <>
            <b class="keep">{row.person_no}</b>
            <PersonName name={row.name} reads={session.reads} />
            <span class="wide keep">
              {row.id_number ?? missingWords(session.reads, "id_number")}
            </span>
            <span class="wide keep">{row.phone ?? missingWords(session.reads, "phone")}</span>
            <span class="mid keep">{bornWords(row) || missingWords(session.reads, "birth")}</span>
            <span class="cut">{areaWords(row.area) || missingWords(session.reads, "home")}</span>
          </>
        )}
      </FilteredList>
    </>
  );
}

function Leave({ children }: { children: JSX.Element }): JSX.Element {
  useKeys({ Escape: () => go("/") });
  return children;
}

export function PersonsScreen({ session }: PaneProps): JSX.Element {
  const lists = session.permissions.includes("person.read");
  const searches = session.permissions.includes("person.search");
  const { purpose, ended, give, drop } = usePurpose(["people"]);
  if (!lists && !searches)
    return (
      <Leave>
        <section class="people-home">
          <h1>{t("personsTitle")}</h1>
          <p class="dim">{t("personsByNumberOnly")}</p>
          <ByNumber />
        </section>
      </Leave>
    );
  if (!purpose)
    return (
      <Leave>
        <PurposeGate
          title={t("gatePeopleTitle")}
          session={session}
          matter={{ kind: "list", glass: searches }}
          ended={ended}
          onOpen={give}
        />
      </Leave>
    );
  return (
    <section class="people-home">
      <div class="bar-line">
        <h1>{t("personsTitle")}</h1>
        <PurposeLine purpose={purpose} onChange={drop} />
      </div>
      <div class="look-ups">
        {searches && <ByIdNumber purpose={purpose} />}
        <ByNumber />
      </div>
      {purpose.until ? (
        <Leave>
          <p class="notice">{t("glassNoList")}</p>
        </Leave>
      ) : (
        lists && <PersonRows key={purpose.value} purpose={purpose.value} session={session} />
      )}
    </section>
  );
}
