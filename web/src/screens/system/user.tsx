// One user: role, area, duty. Rows of the duty table and absences are put in and taken out here; what
// ends a duty asks first, in words.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { asProblem, call, type Problem } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { dayAndClock } from "../../format.ts";
import { AskFirst } from "../../parts/ask-first.tsx";
import { cityNowKnown, cityText, cityTime } from "../../parts/city-clock.ts";
import { Icon } from "../../parts/icons.tsx";
import { roleWords, type Session } from "../login.tsx";
import { areaWords } from "../loops/definitions.ts";
import { refusalWords } from "../loops/words.ts";
import { standingOf, type Duties, type User } from "./users.tsx";

interface Range {
  from: string;
  until: string;
}
const hours = 3600;
const nextShift = (): Range => ({
  from: cityText(cityNowKnown()),
  until: cityText(cityNowKnown() + 12 * hours),
});

function RangeControls({ prefix, range, bad, onRange }: { prefix: string; range: Range; bad: readonly string[]; onRange(range: Range): void }): JSX.Element {
  return (
    <>
      {(["from", "until"] as const).map((end) => (
        <div key={end} class={`form-field${bad.includes(end) ? " bad" : ""}`}>
          <label for={`${prefix}-${end}`}>{t(end === "from" ? "fromTime" : "untilTime")}</label>
          <input
            id={`${prefix}-${end}`}
            name={`${prefix}-${end}`}
            type="datetime-local"
            value={range[end]}
            onInput={(event) => onRange({ ...range, [end]: event.currentTarget.value })}
          />
        </div>
      ))}
    </>
  );
}

interface Act {
  /** Runs, then says what was done. */
  run(act: () => Promise<unknown>, said: string): Promise<boolean>;
  busy: boolean;
  problem: Problem | null;
}

function DutyForm({ user, act }: { user: User; act: Act }): JSX.Element {
  const [range, setRange] = useState(nextShift);
  return (
    <form
      class="form-fields"
      onSubmit={(event) => {
        event.preventDefault();
        void act.run(
          () =>
            call("POST /api/v1/duties", {
              body: { name: user.name, from: cityTime(range.from), until: cityTime(range.until) },
            }),
          t("dutyAdded"),
        );
      }}
    >
      <RangeControls prefix="duty" range={range} bad={act.problem?.fields ?? []} onRange={setRange} />
      <button class="button" type="submit" disabled={act.busy}>
        {t("dutyAdd")}
      </button>
    </form>
  );
}

function AbsenceForm({ user, users, act }: { user: User; users: readonly User[]; act: Act }): JSX.Element {
  const [range, setRange] = useState(nextShift);
  const [delegate, setDelegate] = useState("");
  return (
    <form
      class="form-fields"
      onSubmit={(event) => {
        event.preventDefault();
        void act.run(
          () =>
            call("POST /api/v1/absences", {
              body: {
                name: user.name,
                from: cityTime(range.from),
                until: cityTime(range.until),
                delegate: delegate.trim() || null,
              },
            }),
          t("absenceAdded"),
        );
      }}
    >
      <RangeControls prefix="absence" range={range} bad={act.problem?.fields ?? []} onRange={setRange} />
      <div class={`form-field${act.problem?.fields.includes("delegate") ? " bad" : ""}`}>
        <label for="absence-delegate">{t("absenceDelegate")}</label>
        <input
          id="absence-delegate"
          name="delegate"
          list="delegates"
          autocomplete="off"
          value={delegate}
          onInput={(event) => setDelegate(event.currentTarget.value)}
        />
        <datalist id="delegates">
          {users
            .filter((one) => one.role === user.role && one.name !== user.name)
            .map((one) => (
              <option key={one.name} value={one.name} />
            ))}
        </datalist>
        <span class="quiet">{t("absenceHint")}</span>
      </div>
      <button class="button" type="submit" disabled={act.busy}>
        {t("absenceAdd")}
      </button>
    </form>
  );
}

interface RowsProps {
  user: User;
  users: readonly User[];
  duties: Duties;
  act: Act;
}

function Rows({ user, users, duties, act }: RowsProps): JSX.Element {
  const rows = duties.duties.filter((one) => one.name === user.name);
  const absences = duties.absences.filter((one) => one.name === user.name);
  const [asked, setAsked] = useState<{ no: number; absent: boolean } | null>(null);
  const remove = async (): Promise<void> => {
    if (!asked) return;
    const path = { no: asked.no };
    const done = await act.run(
      () =>
        asked.absent
          ? call("DELETE /api/v1/absences/{no}", { path })
          : call("DELETE /api/v1/duties/{no}", { path }),
      t(asked.absent ? "absenceRemoved" : "dutyRemoved"),
    );
    if (done) setAsked(null);
  };
  const row = (one: Range & { no: number; delegate?: string | null }, absent: boolean): JSX.Element => (
    <li key={`${absent ? "a" : "d"}${one.no}`}>
      <span>
        {dayAndClock(one.from)} – {dayAndClock(one.until)}
        {absent && (
          <span class="dim">
            {" "}
            · {one.delegate ? t("absenceFor", { name: one.delegate }) : t("absenceNobody")}
          </span>
        )}
      </span>
      <button
        class="button slim"
        type="button"
        onClick={() => setAsked({ no: one.no, absent })}
        aria-label={t("removeOf", { from: dayAndClock(one.from), until: dayAndClock(one.until) })}
      >
        {t("remove")}
      </button>
    </li>
  );
  const lastRow = asked && !asked.absent && rows.length === 1;
  return (
    <>
      <section>
        <h2>{t(rows.length ? "dutiesTitle" : "dutiesNone", { count: rows.length })}</h2>
        <ul class="duty-rows">{rows.map((one) => row(one, false))}</ul>
        {asked && !asked.absent && (
          <AskFirst
            title={t("dutyRemoveAsk")}
            act={t("dutyRemoveAct")}
            busy={act.busy}
            onAct={() => void remove()}
            onBack={() => setAsked(null)}
          >
            <p>{t(lastRow ? "dutyRemoveLast" : "dutyRemoveWhat", { name: user.name })}</p>
          </AskFirst>
        )}
        <DutyForm user={user} act={act} />
      </section>
      <section>
        <h2>{t(absences.length ? "absencesTitle" : "absencesNone", { count: absences.length })}</h2>
        <ul class="duty-rows">{absences.map((one) => row(one, true))}</ul>
        {asked?.absent && (
          <AskFirst
            title={t("absenceRemoveAsk")}
            act={t("absenceRemoveAct")}
            busy={act.busy}
            onAct={() => void remove()}
            onBack={() => setAsked(null)}
          >
            <p>{t("absenceRemoveWhat", { name: user.name })}</p>
          </AskFirst>
        )}
        <AbsenceForm user={user} users={users} act={act} />
      </section>
    </>
  );
}

function EndOfDuty({ user, act }: { user: User; act: Act }): JSX.Element {
  const [until, setUntil] = useState(user.duty_until?.slice(0, 16) ?? "");
  const [asking, setAsking] = useState(false);
  const end = (time: string | null, said: string): Promise<boolean> =>
    act.run(() => call("POST /api/v1/users:duty", { body: { name: user.name, until: time } }), said);
  return (
    <section>
      <h2>
        {user.duty_until ? t("dutyUntil", { time: dayAndClock(user.duty_until) }) : t("dutyOpen")}
      </h2>
      <form
        class="form-fields"
        onSubmit={(event) => {
          event.preventDefault();
          void end(cityTime(until) || null, t("dutySet"));
        }}
      >
        <div class={`form-field${act.problem?.fields.includes("until") ? " bad" : ""}`}>
          <label for="duty-end">{t("dutyEnd")}</label>
          <input
            id="duty-end"
            name="duty-end"
            type="datetime-local"
            value={until}
            onInput={(event) => setUntil(event.currentTarget.value)}
          />
          <span class="quiet">{t("dutyEndHint")}</span>
        </div>
        <span class="bar-line">
          <button class="button" type="submit" disabled={act.busy}>
            {t("dutyEndSet")}
          </button>
          <button class="button grave" type="button" onClick={() => setAsking(true)}>
            {t("dutyEndNow")}
          </button>
        </span>
      </form>
      {asking && (
        <AskFirst
          title={t("dutyEndAsk", { name: user.name })}
          act={t("dutyEndAct")}
          busy={act.busy}
          onAct={() =>
            void end(cityTime(cityText(cityNowKnown())), t("dutyEndDone")).then(
              (done) => done && setAsking(false),
            )
          }
          onBack={() => setAsking(false)}
        >
          <p>{t("dutyEndWhat", { name: user.name })}</p>
        </AskFirst>
      )}
    </section>
  );
}

function UnitForm({ user, act }: { user: User; act: Act }): JSX.Element {
  const [unit, setUnit] = useState(user.unit === null ? "" : String(user.unit));
  return (
    <form
      class="form-fields"
      onSubmit={(event) => {
        event.preventDefault();
        void act.run(
          () =>
            call("POST /api/v1/users:unit", {
              body: { name: user.name, unit: unit.trim() ? Number(unit) : null },
            }),
          t("unitSet"),
        );
      }}
    >
      <div class={`form-field${act.problem?.fields.includes("unit") ? " bad" : ""}`}>
        <label for="user-unit">{t("userUnit")}</label>
        <input
          id="user-unit"
          name="unit"
          inputMode="numeric"
          autocomplete="off"
          value={unit}
          onInput={(event) => setUnit(event.currentTarget.value)}
        />
        <span class="quiet">{t("userUnitHint")}</span>
      </div>
      <button class="button" type="submit" disabled={act.busy}>
        {t("unitSave")}
      </button>
    </form>
  );
}

interface Props {
  user: User;
  users: readonly User[];
  duties: Duties | null;
  reader: Session;
  onChange(): void;
  onBack(): void;
}

export function UserPane({ user, users, duties, reader, onChange, onBack }: Props): JSX.Element {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [said, setSaid] = useState("");
  const act: Act = {
    busy,
    problem,
    async run(doIt, words) {
      setBusy(true);
      setProblem(null);
      setSaid("");
      let done = false;
      try {
        await doIt();
        done = true;
        setSaid(words);
        onChange();
      } catch (reason) {
        setProblem(asProblem(reason));
      }
      setBusy(false);
      return done;
    },
  };
  const { tone, icon, words } = standingOf(user, duties, true);
  return (
    <article class="loop user">
      <header class="loop-head">
        <div>
          <p>
            <button class="button slim" type="button" onClick={onBack}>
              ← {t("usersBack")} <kbd>Esc</kbd>
            </button>
          </p>
          <h1>{user.name}</h1>
          <p class="bar-line">
            <span class={`shape ${tone}`}>
              <Icon name={icon} />
            </span>
            {words}
          </p>
        </div>
      </header>
      {user.name === reader.name && (
        <p class="notice" role="status">
          {t("userYou")}
        </p>
      )}
      {problem && (
        <p class="notice bad" role="alert">
          {refusalWords(problem)}
        </p>
      )}
      {said && (
        <p class="notice good" role="status">
          <Icon name="done" />
          {said}
        </p>
      )}
      <dl class="known">
        <div>
          <dt>{t("thRole")}</dt>
          <dd>{roleWords(user.role)}</dd>
        </div>
        <div>
          <dt>{t("thArea")}</dt>
          <dd>{areaWords(user.area) || "—"}</dd>
        </div>
        <div>
          <dt>{t("userLead")}</dt>
          <dd>{user.lead ?? t("userNoLead")}</dd>
        </div>
        <div>
          <dt>{t("userFactor")}</dt>
          <dd>{t(user.second_factor ? "yes" : "no")}</dd>
        </div>
      </dl>
      <EndOfDuty user={user} act={act} />
      {duties && <Rows user={user} users={users} duties={duties} act={act} />}
      <section>
        <h2>{t("userUnit")}</h2>
        <UnitForm user={user} act={act} />
      </section>
    </article>
  );
}
