// Users of the reader's area and their duties: who is there now, who stands in, and the acts on one.
import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { asProblem, call, type Answer, type Problem } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { secondsOf } from "../../format.ts";
import { cityNowKnown, useCityTimeKnown } from "../../parts/city-clock.ts";
import { Icon, type IconName } from "../../parts/icons.tsx";
import { Filter, focusOn, ListKeys, useKeys } from "../../parts/keys.tsx";
import { problemWords, useLoad, useReadAgain } from "../../parts/load.tsx";
import { VirtualList } from "../../parts/virtual-list.tsx";
import { go, usePlace } from "../../router.ts";
import { roleWords, type Session } from "../login.tsx";
import { areaWords, readAreas } from "../loops/definitions.ts";
import { UserPane } from "./user.tsx";

export type User = Answer<"GET /api/v1/users">["items"][number];
export type Duties = Answer<"GET /api/v1/duties">;

const listId = "user-list";
const filterId = "user-filter";
const pageSize = 500;

export interface Standing {
  tone: "done" | "soon" | "ended" | "unknown";
  icon: IconName;
  words: string;
}

const runsNow = (row: { from: string; until: string }): boolean =>
  secondsOf(row.from) <= cityNowKnown() && secondsOf(row.until) > cityNowKnown();

/** Whether a user is there now, as the seats of loops see it. */
export function standingOf(user: User, duties: Duties | null, timeKnown: boolean): Standing {
  if (!timeKnown) return { tone: "unknown", icon: "unknown", words: t("unknown") };
  if (user.duty_until && secondsOf(user.duty_until) <= cityNowKnown())
    return { tone: "ended", icon: "ended", words: t("dutyEnded") };
  if (!duties) return { tone: "unknown", icon: "unknown", words: t("unknown") };
  const absence = duties.absences.find((one) => one.name === user.name && runsNow(one));
  if (absence)
    return {
      tone: "soon",
      icon: "soon",
      words: absence.delegate ? t("dutyAbsentFor", { name: absence.delegate }) : t("dutyAbsent"),
    };
  if (duties.off_duty.includes(user.name))
    return { tone: "ended", icon: "open", words: t("dutyOff") };
  return { tone: "done", icon: "done", words: t("dutyOn") };
}

/** All users, page by page: a city has some thousands. */
function useUsers(turn: number): { users: User[]; problem: Problem | null; whole: boolean } {
  const [state, setState] = useState<{ users: User[]; problem: Problem | null; whole: boolean }>({
    users: [],
    problem: null,
    whole: false,
  });
  const [again, setAgain] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    const read = async (): Promise<void> => {
      const users: User[] = [];
      let after: string | null = "";
      while (after !== null) {
        const page: Answer<"GET /api/v1/users"> = await call("GET /api/v1/users", {
          query: { limit: pageSize, ...(after && { after }) },
          signal: abort.signal,
        });
        users.push(...page.items);
        after = page.next;
        setState((old) => ({
          users: old.whole && after !== null ? old.users : [...users],
          problem: null,
          whole: old.whole || after === null,
        }));
      }
    };
    read().catch((reason: unknown) => {
      if (!abort.signal.aborted) setState((old) => ({ ...old, problem: asProblem(reason) }));
    });
    return () => abort.abort();
  }, [turn, again]);
  useReadAgain(state.problem, () => setAgain((old) => old + 1));
  return state;
}

export function UsersTab({ reader }: { reader: Session }): JSX.Element {
  const { query } = usePlace();
  const name = query.get("user") ?? "";
  const [turn, setTurn] = useState(0);
  const [filter, setFilter] = useState("");
  const [chosen, setChosen] = useState(0);
  const { users, problem, whole } = useUsers(turn);
  const duties = useLoad("duties", (signal) => call("GET /api/v1/duties", { signal }));
  const areas = useLoad("areas", () => readAreas());
  const timeKnown = useCityTimeKnown();
  const rows = useMemo(() => {
    const text = filter.trim().toLowerCase();
    return users.filter((one) =>
      `${one.name} ${roleWords(one.role)} ${one.role} ${areaWords(one.area)}`.toLowerCase().includes(text),
    );
  }, [users, filter, areas.value]);
  useEffect(() => {
    const at = rows.findIndex((one) => one.name === name);
    setChosen(at >= 0 ? at : rows.length ? Math.max(0, Math.min(chosen, rows.length - 1)) : -1);
  }, [rows, name]);
  useEffect(() => {
    if (users.length && !name) focusOn(listId);
  }, [users.length > 0]);

  const open = (index: number): void => {
    const row = rows[index];
    if (row) go(`/system/users?user=${encodeURIComponent(row.name)}`);
  };
  const back = (): void => {
    go("/system/users");
    requestAnimationFrame(() => focusOn(listId));
  };
  const again = (): void => {
    setTurn((old) => old + 1);
    duties.reload();
  };
  useKeys({
    "/": () => focusOn(filterId),
    j: () => setChosen(Math.min(rows.length - 1, chosen + 1)),
    k: () => setChosen(Math.max(0, chosen - 1)),
    Enter: () => open(chosen),
    ...(name && { Escape: back }),
  });
  const user = users.find((one) => one.name === name);
  const Title = user ? "h2" : "h1"; // one first heading a page
  return (
    <div class={`loops users${name ? " with-detail" : ""}`}>
      <div class="loop-side">
        <Title>{t(whole ? "usersTitle" : "usersSome", { count: users.length })}</Title>
        <div class="bar-line">
          <Filter
            id={filterId}
            label={t("usersFilter")}
            value={filter}
            onInput={setFilter}
            onLeave={() => focusOn(listId)}
          />
          <ListKeys />
        </div>
        {problem && (
          <p class="notice bad" role="alert">
            {problemWords(problem)}
          </p>
        )}
        {whole && !rows.length && <p class="empty">{t("usersNone", { text: filter })}</p>}
        <VirtualList
          id={listId}
          label={t("tabUsers")}
          rows={rows}
          total={rows.length}
          rowHeight={48}
          rowClass="user-row"
          selected={chosen}
          onSelect={setChosen}
          onOpen={open}
          keyOf={(row) => row.name}
        >
          {(row) => {
            const { tone, icon, words } = standingOf(row, duties.value, timeKnown);
            return (
              <>
                <span class={`shape ${tone}`}>
                  <Icon name={icon} />
                </span>
                <span class="what">
                  <b class="cut">{row.name}</b>
                  <span class="cut small dim">{roleWords(row.role)}</span>
                </span>
                <span class="cut small">{areaWords(row.area)}</span>
                <span class="cut small dim right">{words}</span>
              </>
            );
          }}
        </VirtualList>
      </div>
      <div class="loop-detail">
        {user && timeKnown ? (
          <UserPane
            key={user.name}
            user={user}
            users={users}
            duties={duties.value}
            reader={reader}
            onChange={again}
            onBack={back}
          />
        ) : (
          <p class="page dim">{t(name && whole ? "userUnknown" : "usersHint")}</p>
        )}
      </div>
    </div>
  );
}
