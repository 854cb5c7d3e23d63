// Venue staff: whose venue this is, a person's code, paper code or identity number, the answer, and
// what the day has brought so far. The code that is scanned proves who stands here: nothing about the
// person is shown but what the door needs to know.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { asProblem, call, requestKey, setCsrf, type Answer, type Problem } from "../api/client.ts";
import { t } from "../catalogue.ts";
import { clock as clockOf, count, dayAndClock } from "../format.ts";
import { problemWords, useLoad, type Loaded } from "../parts/load.tsx";
import { useSettings } from "../parts/switches.tsx";
import { AnswerScreen, type ScanAnswer } from "./answer.tsx";
import { CodeSource } from "./camera.tsx";
import { useCityClock } from "./city-clock.ts";
import { personCodeOf, venueCodeOf } from "./codes.ts";
import { armed } from "./entrance.tsx";
import { Alert, Frame, start } from "./frame.tsx";
import { isUnanswered, patience, sendScan } from "./sending.ts";
import { StaffLogin } from "./staff-login.tsx";
import { Typed } from "./typed.tsx";

type Venue = Answer<"GET /api/v1/venue-codes/{code}">;
type Day = Answer<"GET /api/v1/venue-codes/{code}/today">;
type Holder = { code: string } | { paper_code: string } | { id_number: string };

const place = "chengmai.own-venue";

/** The code of the venue where this phone stands: no person's, so that it may stay. */
const storedVenue = (): string => localStorage.getItem(place) ?? "";

function refusalWords(problem: Problem): string {
  if (problem.status === 410)
    return t(problem.fields.includes("venue_token") ? "venueCodeRevoked" : "personCodeExpired");
  if (problem.fields.includes("id_number")) return t("idNumberWrong");
  if (problem.fields.some((field) => field.startsWith("holder"))) return t("personCodeWrong");
  return problemWords(problem);
}

function told(value: number | null, least: number): string {
  return value === null ? t("fewerThan", { n: least }) : count(value);
}

const turnsEvery = 5 * 60_000;

/** Where the day has no scan although many are usual by now: the poster may be gone. */
function SilenceAlarm({ day }: { day: Day | null }): JSX.Element | null {
  if (!day?.silent) return null;
  return (
    <div class="notice bad" role="alert">
      <strong>{t("todaySilent")}</strong>{" "}
      {t("todaySilentWhat", { n: count(day.usual_scans ?? 0), now: clockOf(day.as_of) })}
    </div>
  );
}

function Today({ day }: { day: Loaded<Day> }): JSX.Element | null {
  if (day.problem) return <Alert words={problemWords(day.problem)} />;
  if (!day.value) return <p role="status">{t("loading")}…</p>;
  const { scans, pass, check, refuse, usual_scans, last_scan_at, told_from, as_of } = day.value;
  return (
    <section class="today" aria-label={t("todayTitle")}>
      <h2>{t("todayScans", { n: told(scans, told_from) })}</h2>
      <p class="dim">
        {pass !== null &&
          t("todayParts", { pass: count(pass), check: count(check), refuse: count(refuse) })}
        {pass === null && scans !== null && t("todayPartsSmall")}
        {usual_scans !== null && <> {t("todayUsual", { n: count(usual_scans) })}</>}
        {usual_scans === null && <span class="unknown-note"> {t("todayUsualUnknown")}</span>}
      </p>
      <p class="quiet">
        {last_scan_at
          ? t("todayLast", { time: clockOf(last_scan_at), now: clockOf(as_of) })
          : t("todayNone", { now: dayAndClock(as_of) })}
      </p>
    </section>
  );
}

function ChooseVenue({ onVenue }: { onVenue(code: string): void }): JSX.Element {
  const [wrong, setWrong] = useState("");
  async function take(text: string): Promise<void> {
    const code = venueCodeOf(text) ?? text;
    setWrong("");
    try {
      await call("GET /api/v1/venue-codes/{code}", { path: { code } });
      onVenue(code);
    } catch (reason) {
      const problem = asProblem(reason);
      setWrong(
        problem.status === 410
          ? t("venueCodeRevoked")
          : problem.status === 404
            ? t("venueNotYours")
            : problem.status === 400
              ? t("venueCodeWrong")
              : problemWords(problem),
      );
    }
  }
  return (
    <>
      <p>{t("staffVenueFirst")}</p>
      <Alert words={wrong} />
      <CodeSource onText={(text) => void take(text)} />
      <Typed
        label={t("venueCodeTyped")}
        hint="ABCDE-FGHJK-M"
        act={t("staffVenueAct")}
        onTyped={(text) => void take(text)}
      />
    </>
  );
}

type State =
  | { name: "asking" }
  | { name: "out" }
  | { name: "ready" }
  | { name: "sending" }
  | { name: "answered"; holder: Holder; key: string; answer: ScanAnswer | null };

function Staff(): JSX.Element {
  useSettings();
  const clock = useCityClock();
  const [state, setState] = useState<State>({ name: "asking" });
  const [code, setCode] = useState(storedVenue);
  const [wrong, setWrong] = useState("");
  const [turn, setTurn] = useState(0);
  const ready = state.name !== "asking" && state.name !== "out";
  const day = useLoad<Day>(ready && code ? `${code} ${turn}` : null, (signal) =>
    call("GET /api/v1/venue-codes/{code}/today", { path: { code }, signal }),
  );
  const { reload } = day;
  const venue = useLoad<Venue>(ready && code ? code : null, (signal) =>
    call("GET /api/v1/venue-codes/{code}", { path: { code }, signal }),
  );

  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") reload();
    }, turnsEvery);
    return () => clearInterval(timer);
  }, [reload]);

  useEffect(() => {
    call("GET /api/v1/sessions/current").then(
      (session) => {
        setCsrf(session.csrf);
        const may = session.kind === "user" && session.permissions.includes("scan.staff");
        setState(may ? { name: "ready" } : { name: "out" });
      },
      () => setState({ name: "out" }),
    );
  }, []);

  async function send(holder: Holder, key: string): Promise<void> {
    setWrong("");
    setState({ name: "sending" });
    try {
      const body = { venue_token: code, holder: { ...holder } };
      const answer = await sendScan(key, body, patience());
      setState({ name: "answered", holder, key, answer });
    } catch (reason) {
      const problem = asProblem(reason);
      if (problem.status === 401) setState({ name: "out" });
      else if (isUnanswered(problem))
        setState({ name: "answered", holder, key, answer: null });
      else {
        setState({ name: "ready" });
        setWrong(refusalWords(problem));
      }
    }
  }
  function take(text: string): void {
    const holder = personCodeOf(text);
    if (holder) void send(holder, requestKey());
    else setWrong(t("personCodeOther"));
  }
  function changeVenue(next: string): void {
    localStorage.setItem(place, next);
    setCode(next);
  }
  async function leave(): Promise<void> {
    await armed().catch(() => {});
    await call("DELETE /api/v1/sessions/current").catch(() => {});
    setState({ name: "out" });
  }

  if (state.name === "answered")
    return (
      <AnswerScreen
        answer={state.answer}
        venue={venue.value?.name ?? t("staffTitle")}
        clock={clock}
        companions={0}
      >
        {!state.answer && (
          <button
            class="button"
            type="button"
            onClick={() => void send(state.holder, state.key)}
          >
            {t("retry")}
          </button>
        )}
        <button
          class="button main"
          type="button"
          onClick={() => {
            setTurn(turn + 1);
            setState({ name: "ready" });
          }}
        >
          {t("staffNext")}
        </button>
      </AnswerScreen>
    );
  return (
    <Frame title={venue.value?.name ?? t("staffTitle")} alone>
      {state.name === "asking" && <p role="status">{t("loading")}…</p>}
      {state.name === "sending" && <p role="status">{t("scanSending")}…</p>}
      {state.name === "out" && <StaffLogin onEnter={() => setState({ name: "ready" })} />}
      {state.name === "ready" && !code && <ChooseVenue onVenue={changeVenue} />}
      {state.name === "ready" && code && (
        <>
          {venue.problem && <Alert words={t("venueCodeRevoked")} />}
          {venue.value && (
            <p class="dim">
              {venue.value.negative_within_hours
                ? t("venueAsks", { n: venue.value.negative_within_hours })
                : t("venueAsksNothing")}
            </p>
          )}
          <SilenceAlarm day={day.value} />
          <Alert words={wrong} />
          <CodeSource onText={take} />
          <Typed
            label={t("idNumberTyped")}
            hint="3204…"
            name="id_number"
            act={t("staffCheck")}
            onTyped={(text) => void send({ id_number: text.toUpperCase() }, requestKey())}
          />
          <Today day={day} />
          <div class="two-acts">
            <button class="button" type="button" onClick={() => changeVenue("")}>
              {t("staffOtherVenue")}
            </button>
            <button class="button me-out" type="button" onClick={() => void leave()}>
              {t("logOut")}
            </button>
          </div>
        </>
      )}
    </Frame>
  );
}

start(<Staff />);
