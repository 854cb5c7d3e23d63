// Work lists of those who decide: overrides that wait for a second hand are decided beside the list,
// because not everybody who approves may read a status; appeals are answered in the person's dossier.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, type Answer } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { dayAndClock } from "../../format.ts";
import { ColorChip } from "../../parts/color-chip.tsx";
import { FilteredList } from "../../parts/filtered-list.tsx";
import { Icon } from "../../parts/icons.tsx";
import { focusOn, useKeys } from "../../parts/keys.tsx";
import { usePages } from "../../parts/pages.ts";
import { PurposeGate, PurposeLine, usePurpose } from "../../parts/purpose.tsx";
import { follow, go } from "../../router.ts";
import { areaWords } from "../loops/definitions.ts";
import type { Session } from "../login.tsx";
import type { PaneProps } from "./people.tsx";
import { DecideOverride } from "./redress.tsx";
import { reasonCodeWords } from "./words.tsx";

type Override = Answer<"GET /api/v1/overrides">["items"][number];
type Appeal = Answer<"GET /api/v1/appeals">["items"][number];

const back = (): void => go("/people");

function Entrance(props: {
  session: Session;
  title: string;
  gate: string;
  children(purpose: string): ComponentChildren;
}): JSX.Element {
  const { purpose, ended, give, drop } = usePurpose(["people"]);
  useKeys(purpose ? {} : { Escape: back });
  if (!purpose)
    return (
      <PurposeGate
        title={props.gate}
        session={props.session}
        matter={{ kind: "list" }}
        ended={ended}
        onOpen={give}
      />
    );
  return (
    <section class="people-home">
      <div class="bar-line">
        <h1>{props.title}</h1>
        <PurposeLine purpose={purpose} onChange={drop} />
      </div>
      {props.children(purpose.value)}
    </section>
  );
}

/** One request with what it asks for, and the form to decide about it. */
function OverrideDetail(props: {
  override: Override;
  session: Session;
  onDone(words: string): void;
}): JSX.Element {
  const { override, session, onDone } = props;
  return (
    <section class="work-detail" aria-labelledby="work-title" data-override={override.id}>
      <h2 id="work-title" tabIndex={-1}>
        {t("overrideNumber", { id: override.id })} · {t("person", { no: override.person_no })}
      </h2>
      <p class="bar-line">
        <ColorChip color={override.to} />
        <span>
          {t("span", { from: dayAndClock(override.from), until: dayAndClock(override.expires) })}
        </span>
        <span class="chip">{t("approvalsSoFar", { count: override.approvals })}</span>
      </p>
      <p>
        {reasonCodeWords(override.reason_code)}：“{override.words}”
      </p>
      <p class="small dim">
        {override.area && `${areaWords(override.area)} · `}
        {t("overrideBy", { name: override.requester, time: dayAndClock(override.requested_at) })}
      </p>
      {session.permissions.includes("status.read") && (
        <p>
          <a href={`/people/${override.person_no}`} onClick={follow}>
            {t("overrideDossier")}
          </a>
        </p>
      )}
      <DecideOverride key={override.id} id={override.id} onDone={onDone} />
    </section>
  );
}

function OverrideRows({ purpose, session }: { purpose: string; session: Session }): JSX.Element {
  const [turn, setTurn] = useState(0);
  const [opened, setOpened] = useState<Override | null>(null);
  const [said, setSaid] = useState("");
  const pages = usePages<Override>(`overrides ${purpose} ${turn}`, (after) =>
    call("GET /api/v1/overrides", {
      query: { state: "open", limit: 200, ...(after && { after }) },
      purpose,
    }),
  );
  useEffect(() => {
    if (opened) focusOn("work-title");
  }, [opened?.id]);
  return (
    <>
      {said && (
        <p class="notice good" role="status">
          {said}
        </p>
      )}
      <FilteredList<Override>
        id="override-list"
        memory="overrides"
        label={t("overridesTab")}
        filterLabel={t("worklistFilter")}
        pages={pages}
        rowHeight={52}
        rowClass="work-row"
        head={<span class="sr">{t("overridesTab")}</span>}
        none={t("overridesOpenNone")}
        textOf={(row) => `${row.person_no} ${areaWords(row.area)} ${row.requester} ${row.words}`}
        keyOf={(row) => row.id}
        loadedWords={(count) => t("overridesLoaded", { count })}
        noMatchWords={(text) => t("worklistNoMatch", { text })}
        onOpen={(row) => {
          setSaid("");
          setOpened(row);
        }}
        onBack={() => {
          if (!opened) return back();
          setOpened(null);
          focusOn("override-list");
        }}
      >
        {(row) => (
          <>
            <b class="keep">{t("person", { no: row.person_no })}</b>
            <span class="keep">
              <ColorChip color={row.to} />
            </span>
            <span class="cut">
              {reasonCodeWords(row.reason_code)}：{row.words}
              <span class="small dim block cut">
                {row.area && `${areaWords(row.area)} · `}
                {t("overrideBy", { name: row.requester, time: dayAndClock(row.requested_at) })}
              </span>
            </span>
            <span class="mid keep small">
              {t("span", { from: dayAndClock(row.from), until: dayAndClock(row.expires) })}
            </span>
            <span class="keep small">{t("approvalsSoFar", { count: row.approvals })}</span>
          </>
        )}
      </FilteredList>
      {opened && (
        <OverrideDetail
          override={opened}
          session={session}
          onDone={(words) => {
            setSaid(words);
            setOpened(null);
            setTurn(turn + 1);
          }}
        />
      )}
    </>
  );
}

export const OverrideList = ({ session }: PaneProps): JSX.Element => (
  <Entrance session={session} title={t("overridesTab")} gate={t("gateOverridesTitle")}>
    {(purpose) => <OverrideRows key={purpose} purpose={purpose} session={session} />}
  </Entrance>
);

function AppealRows({ purpose }: { purpose: string }): JSX.Element {
  const pages = usePages<Appeal>(`appeals ${purpose}`, (after) =>
    call("GET /api/v1/appeals", { query: { limit: 200, ...(after && { after }) }, purpose }),
  );
  return (
    <FilteredList<Appeal>
      id="appeal-list"
      memory="appeals"
      label={t("appealsTab")}
      filterLabel={t("worklistFilter")}
      pages={pages}
      rowHeight={52}
      rowClass="work-row"
      head={<span class="sr">{t("appealsTab")}</span>}
      none={t("appealsOpenNone")}
      textOf={(row) => `${row.person_no ?? ""} ${areaWords(row.area ?? null)} ${row.words}`}
      keyOf={(row) => row.id}
      loadedWords={(count) => t("appealsLoaded", { count })}
      noMatchWords={(text) => t("worklistNoMatch", { text })}
      onOpen={(row) => go(`/people/${row.person_no}`)}
      onBack={back}
    >
      {(row) => (
        <>
          <b class="keep">{t("person", { no: row.person_no ?? "—" })}</b>
          <span class={`keep chip${row.overdue ? " red" : ""}`}>
            {row.overdue && <Icon name="late" />}
            {t(row.overdue ? "appealOverdue" : "appealOpen")}
          </span>
          <span class="cut">
            {row.words}
            <span class="small dim block cut">{areaWords(row.area ?? null)}</span>
          </span>
          <span class="mid keep small">{t("appealFiled", { time: dayAndClock(row.filed_at) })}</span>
          <span class="keep small">{t("appealDue", { time: dayAndClock(row.due_at) })}</span>
        </>
      )}
    </FilteredList>
  );
}

export const AppealList = ({ session }: PaneProps): JSX.Element => (
  <Entrance session={session} title={t("appealsTab")} gate={t("gateAppealsTitle")}>
    {(purpose) => <AppealRows key={purpose} purpose={purpose} />}
  </Entrance>
);
