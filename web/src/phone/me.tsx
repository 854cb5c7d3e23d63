// My code: colour, word and shape, until when, the signed code that staff scan, and why in plain
// words. What cannot be known is shown as unknown: neither red nor green. Without network the code
// says how old it is and until when it is good.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, Problem, type Answer } from "../api/client.ts";
import { t } from "../catalogue.ts";
import { clock, clockSeconds, dayAndClock, dayLong, duration, secondsOf, weekday } from "../format.ts";
import type { Color } from "../parts/color-chip.tsx";
import { Icon } from "../parts/icons.tsx";
import { useSettings } from "../parts/switches.tsx";
import { settings } from "../settings.ts";
import { Appeals } from "./appeal.tsx";
import { CodePicture } from "./code-picture.tsx";
import { armed, Entrance } from "./entrance.tsx";
import { FamilyCare, FamilySwitch, type Family } from "./family.tsx";
import { Frame, start } from "./frame.tsx";
import {
  ageOf,
  codeToShow,
  forgetKept,
  keep,
  kept,
  useSeconds,
  type Age,
  type Held,
  type Kept,
} from "./own-code.ts";
import { PaperCode } from "./paper.tsx";

type Me = Answer<"GET /api/v1/me">;
type Why = Answer<"GET /api/v1/me/why">;

const refreshMilliseconds = 20_000;
const patienceMilliseconds = 8_000; // then it is as good as no network

/** Until when the code is good, or since when it is not. */
function codeWords({ code }: Kept, age: Age, away: boolean): string {
  if (age.stage === "expired") return t("codeExpired", { age: duration(age.seconds) });
  return t(away || age.stage === "late" ? "codeLate" : "codeFresh", {
    time: clockSeconds(code.valid_until),
    age: duration(age.seconds),
  });
}

function Signed(props: { own: Kept; now: number; away: boolean }): JSX.Element {
  const { own, now, away } = props;
  const age = ageOf(own, now);
  return (
    <div class="signed" data-stage={age.stage}>
      {age.stage === "expired" ? (
        <div class="code-picture gone hatched">
          <span>{t("codeGone")}</span>
        </div>
      ) : (
        <CodePicture text={own.code.code} words={t("codePicture")} />
      )}
      <p class="running">
        <b>{age.clock}</b>
        <span>
          {dayLong(own.code.issued_at)} {weekday(own.code.issued_at)}
        </span>
      </p>
      <p class="code-age">{codeWords(own, age, away)}</p>
    </div>
  );
}

function Card(props: { me: Me | null; own: Kept | null; now: number }): JSX.Element {
  const { me, own, now } = props;
  const color: Color = me && me.status === "known" ? me.color : "unknown";
  return (
    <section
      class={`code ${color} ${color === "unknown" ? "hatched" : ""}`}
      aria-label={t(`color_${color}`)}
      data-color={color}
    >
      <div class="code-word" aria-live="polite">
        <Icon name={color} />
        <p class="word">{t(`color_${color}`)}</p>
      </div>
      {own && <Signed own={own} now={now} away={!me} />}
      {color === "unknown" ? (
        <p class="until">{t("meUnknown")}</p>
      ) : (
        <p class="until">
          {me?.until ? t("meUntil", { time: dayAndClock(me.until) }) : t("meUntilNone")}
        </p>
      )}
      {!me && own && (
        <p class="last-known">
          {t("meLastKnown", {
            time: clock(own.asOf),
            color: t(`color_${own.color}`),
            age: duration(ageOf(own, now).seconds),
          })}
        </p>
      )}
    </section>
  );
}

function WhyList({ why }: { why: Why }): JSX.Element {
  return (
    <section>
      <h2>{t("meWhy")}</h2>
      <ul class="reasons">
        {why.reasons.map((reason) => (
          <li key={reason.evidence}>{reason.words[settings.language]}</li>
        ))}
        {!why.reasons.length && <li>{t("meWhyNone")}</li>}
      </ul>
      <p class="quiet">
        {t("meScansNever")} {why.rules_version && t("meRules", { version: why.rules_version })}
      </p>
    </section>
  );
}

type State =
  | { name: "asking" }
  | { name: "out" }
  | { name: "shown"; me: Me | null; why: Why | null; own: Kept | null; away: boolean };

function MyCode(): JSX.Element {
  useSettings();
  const now = useSeconds();
  const [state, setState] = useState<State>({ name: "asking" });
  const [family, setFamily] = useState<Family | null>(null);
  const [member, setMember] = useState<number | null>(null);
  const shown = useRef<number | null>(null);
  const holding = useRef<Held | null>(null); // the code of whom is shown

  async function readFamily(): Promise<void> {
    setFamily(await call("GET /api/v1/me/family").catch(() => null));
  }
  async function read(): Promise<void> {
    const asked = shown.current;
    const query = asked === null ? {} : { member: asked };
    try {
      const signal = AbortSignal.timeout(patienceMilliseconds);
      const [me, why, held] = await Promise.all([
        call("GET /api/v1/me", { query, signal }),
        call("GET /api/v1/me/why", { query, signal }),
        codeToShow(asked, holding.current, signal),
      ]);
      if (asked !== shown.current) return;
      const color: Color = me.status === "known" ? me.color : "unknown";
      const own = { ...held, color, asOf: me.as_of };
      holding.current = held;
      if (asked === null) keep(own);
      setState({ name: "shown", me, why, own, away: false });
    } catch (reason) {
      const status = reason instanceof Problem ? reason.status : -1;
      if (asked !== shown.current) return;
      if (status === 401 || status === 403) out();
      // The other side has ended it.
      else if (status === 404 && asked !== null) show(null);
      // An old colour is not today's colour: without an answer the status is unknown. The code that
      // was given last is shown with its age, the holder's own only.
      else
        setState({
          name: "shown",
          me: null,
          why: null,
          own: asked === null ? kept() : null,
          away: true,
        });
    }
  }
  function out(): void {
    forgetKept();
    setFamily(null);
    setState({ name: "out" });
  }
  function show(next: number | null): void {
    shown.current = next;
    holding.current = null;
    setMember(next);
    // Nobody's colour stands under another one's name, not for a moment.
    setState({ name: "asking" });
    void read();
    if (next === null) void readFamily();
  }
  function enter(): void {
    forgetKept(); // another one's, perhaps
    setFamily(null);
    show(null);
  }
  useEffect(() => {
    show(null);
    // A look at a member is recorded: it is not repeated by itself.
    const again = (): void => {
      if (shown.current === null && !document.hidden) void read();
    };
    const timer = setInterval(again, refreshMilliseconds);
    document.addEventListener("visibilitychange", again);
    addEventListener("online", again);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", again);
      removeEventListener("online", again);
    };
  }, []);
  async function leave(): Promise<void> {
    await armed().catch(() => {});
    await call("DELETE /api/v1/sessions/current").catch(() => {});
    out();
  }

  return (
    <Frame title={t("myCode")}>
      {state.name === "asking" && <p role="status">{t("loading")}…</p>}
      {state.name === "out" && <Entrance onEnter={enter} />}
      {state.name !== "out" && family && (
        <FamilySwitch family={family} member={member} onShow={show} />
      )}
      {state.name === "shown" && (
        <>
          {member !== null && <p class="notice">{t("familyLook")}</p>}
          {state.away && (
            <p class="notice bad" role="alert">
              {t("meOffline")}
            </p>
          )}
          <Card me={state.me} own={state.own} now={now} />
          {member !== null && state.own && (
            <button class="button" type="button" onClick={() => show(member)}>
              {t("codeAgain")}
            </button>
          )}
          {state.me && (
            <>
              <p class="dim">
                {t("meNow", {
                  time: `${dayLong(state.me.as_of)} ${clockSeconds(state.me.as_of)}`,
                })}
                <br />
                {state.me.last_negative_at
                  ? t("meNegative", {
                      time: dayAndClock(state.me.last_negative_at),
                      age: duration(
                        secondsOf(state.me.as_of) - secondsOf(state.me.last_negative_at),
                      ),
                    })
                  : t("meNegativeNone")}
              </p>
              {state.why && <WhyList why={state.why} />}
              <Appeals member={member} now={secondsOf(state.me.as_of)} />
              <PaperCode key={member} member={member} />
              {family && member === null && (
                <FamilyCare family={family} onChange={() => void readFamily()} />
              )}
              <button class="button me-out" type="button" onClick={() => void leave()}>
                {t("logOut")}
              </button>
            </>
          )}
        </>
      )}
    </Frame>
  );
}

start(<MyCode />);
