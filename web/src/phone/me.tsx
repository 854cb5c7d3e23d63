// My code: colour, word and shape, until when, and why in plain words. What cannot be known is
// shown as unknown: neither red nor green.
import { render, type JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, Problem, setCsrf, type Answer } from "./api/client.ts";
import { addWords, t } from "./catalogue.ts";
import { clockSeconds, dayAndClock, dayLong } from "./format.ts";
import { FamilyCare, FamilySwitch, type Family } from "./me-family.tsx";
import type { Color } from "./parts/color-chip.tsx";
import { Icon } from "./parts/icons.tsx";
import { problemWords } from "./parts/load.tsx";
import { Switches, useSettings } from "./parts/switches.tsx";
import { settings } from "./settings.ts";
import "./style/tokens.css";
import "./style/base.css";
import "./style/me.css";
import { phoneWords } from "./words/phone.ts";

type Me = Answer<"GET /api/v1/me">;
type Why = Answer<"GET /api/v1/me/why">;

const refreshMilliseconds = 20_000;

function Code({ me }: { me: Me | null }): JSX.Element {
  const color: Color = me && me.status === "known" ? me.color : "unknown";
  return (
    <section
      class={`code ${color} ${color === "unknown" ? "hatched" : ""}`}
      aria-live="polite"
      data-color={color}
    >
      <Icon name={color} />
      <p class="word">{t(`color_${color}`)}</p>
      {color === "unknown" ? (
        <p class="until">{t("meUnknown")}</p>
      ) : (
        <p class="until">
          {me?.until ? t("meUntil", { time: dayAndClock(me.until) }) : t("meUntilNone")}
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

type Provider = Answer<"GET /api/v1/public/about">["identity_providers"][number];

/** The way in through an identity provider. Only a stub can be used on this page: it says what it
 *  is. */
function Entrance({ onEnter }: { onEnter(): void }): JSX.Element {
  const [subject, setSubject] = useState("");
  const [wrong, setWrong] = useState("");
  const [provider, setProvider] = useState<Provider | null | undefined>(undefined);
  useEffect(() => {
    call("GET /api/v1/public/about").then(
      (about) => setProvider(about.identity_providers.find((one) => one.stub) ?? null),
      (problem: Problem) => setWrong(problemWords(problem)),
    );
  }, []);
  async function enter(event: Event, name: string): Promise<void> {
    event.preventDefault();
    setWrong("");
    try {
      const session = await call("POST /api/v1/sessions", {
        body: { provider: name, person_no: Number(subject), device: true },
      });
      setCsrf(session.csrf);
      onEnter();
    } catch (reason) {
      const problem = reason as Problem;
      setWrong(problem.status === 0 ? problemWords(problem) : t("meLoginWrong"));
    }
  }
  if (provider === undefined)
    return wrong ? (
      <p class="notice bad" role="alert">
        {wrong}
      </p>
    ) : (
      <p role="status">{t("loading")}…</p>
    );
  if (!provider) return <p>{t("meLoginReal")}</p>;
  return (
    <form class="stub-form" onSubmit={(event) => void enter(event, provider.name)}>
      <h2>{t("meLoginTitle")}</h2>
      <p class="dim">{provider.words[settings.language]}</p>
      <label class="field">
        {t("meLoginField")}
        <input
          name="subject"
          required
          autocomplete="off"
          inputMode="numeric"
          pattern="[0-9]{1,9}"
          value={subject}
          onInput={(event) => setSubject(event.currentTarget.value)}
        />
      </label>
      {wrong && (
        <p class="notice bad" role="alert">
          {wrong}
        </p>
      )}
      <button class="button main" type="submit">
        {t("meLoginAct")}
      </button>
    </form>
  );
}

type State =
  | { name: "asking" }
  | { name: "out" }
  | { name: "shown"; me: Me | null; why: Why | null; away: boolean };

function MyCode(): JSX.Element {
  useSettings();
  const [state, setState] = useState<State>({ name: "asking" });
  const [family, setFamily] = useState<Family | null>(null);
  const [member, setMember] = useState<number | null>(null);
  const shown = useRef<number | null>(null);

  async function readFamily(): Promise<void> {
    setFamily(await call("GET /api/v1/me/family").catch(() => null));
  }
  async function read(): Promise<void> {
    const asked = shown.current;
    const query = asked === null ? {} : { member: asked };
    try {
      const [me, why] = await Promise.all([
        call("GET /api/v1/me", { query }),
        call("GET /api/v1/me/why", { query }),
      ]);
      if (asked === shown.current) setState({ name: "shown", me, why, away: false });
    } catch (reason) {
      const status = reason instanceof Problem ? reason.status : -1;
      if (asked !== shown.current) return;
      if (status === 401 || status === 403) setState({ name: "out" });
      // The other side has ended it.
      else if (status === 404 && asked !== null) show(null);
      // An old colour is not today's colour: without an answer the status is unknown.
      else setState({ name: "shown", me: null, why: null, away: true });
    }
  }
  function show(next: number | null): void {
    shown.current = next;
    setMember(next);
    // Nobody's colour stands under another one's name, not for a moment.
    setState({ name: "asking" });
    void read();
    if (next === null) void readFamily();
  }
  function enter(): void {
    setFamily(null); // another one's, perhaps
    show(null);
  }
  useEffect(() => {
    enter();
    // A look at a member is recorded: it is not repeated by itself.
    const timer = setInterval(() => {
      if (shown.current === null) void read();
    }, refreshMilliseconds);
    return () => clearInterval(timer);
  }, []);
  async function leave(): Promise<void> {
    const session = await call("GET /api/v1/sessions/current").catch(() => null);
    if (session) setCsrf(session.csrf);
    if (session) await call("DELETE /api/v1/sessions/current").catch(() => {});
    setState({ name: "out" });
  }

  return (
    <>
      <header class="me-top">
        <h1>{t("myCode")}</h1>
        <Switches />
      </header>
      <main>
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
            <Code me={state.me} />
            {state.me && (
              <>
                <p class="dim">
                  {t("meNow", {
                    time: `${dayLong(state.me.as_of)} ${clockSeconds(state.me.as_of)}`,
                  })}
                  <br />
                  {state.me.last_negative_at
                    ? t("meNegative", { time: dayAndClock(state.me.last_negative_at) })
                    : t("meNegativeNone")}
                </p>
                {state.why && <WhyList why={state.why} />}
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
      </main>
    </>
  );
}

addWords(phoneWords);
render(<MyCode />, document.getElementById("app")!);
