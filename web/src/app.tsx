// The console's frame: who is logged in, which page, how fresh the data are.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, Problem, setCsrf, whenSessionEnds } from "./api/client.ts";
import { followLive, sayEnded, type Counters, type NoticeHead } from "./api/live.ts";
import { t } from "./catalogue.ts";
import { areaName, clockSeconds } from "./format.ts";
import { mayOpen, pageOf, pages, type Fresh, type Seen } from "./pages.tsx";
import { Bell } from "./parts/bell.tsx";
import { chartCity } from "./parts/chart-frame.tsx";
import { forgetAll } from "./parts/forget.ts";
import { Icon } from "./parts/icons.tsx";
import { Waiting } from "./parts/load.tsx";
import { useRoom } from "./parts/room.ts";
import { Switches, useSettings } from "./parts/switches.tsx";
import { sound, SoundSwitch } from "./parts/tone.tsx";
import { UndoBar } from "./parts/undo.tsx";
import { follow, go, usePlace } from "./router.ts";
import { LoginScreen, roleWords, type Session } from "./screens/login.tsx";

type Phase =
  | { name: "asking" }
  | { name: "unreachable"; problem: Problem }
  | { name: "out"; ended: boolean }
  | { name: "in"; session: Session };

// The end of a session ends the document: nothing that was shown stays in its memory, whoever held it.
// What is left is that it ended, for the page that comes after it at the same address.
const ended = { ended: true };
const wasEnded = (): boolean => (history.state as typeof ended | null)?.ended === true;

const askAgainMilliseconds = 5_000;

const nothingYet: Fresh = { counters: null, reachable: null, notices: null };

/** The latest time that any counter is true for. */
const latestTime = (counters: Counters | null): string =>
  (counters ?? []).reduce(
    (latest, { true_for: time }) => (time && time > latest ? time : latest),
    "",
  );

function Freshness({ fresh }: { fresh: Fresh }): JSX.Element {
  const latest = latestTime(fresh.counters);
  const time = latest ? clockSeconds(latest) : "—";
  if (fresh.reachable === null)
    return (
      <span class="fresh" role="status">
        {t("connecting")}…
      </span>
    );
  if (!fresh.reachable)
    return (
      <span class="fresh away" role="alert">
        <Icon name="unknown" />
        {t("away", { time })}
      </span>
    );
  // Not a live region: a time that changes every second would drown a screen reader.
  return <span class="fresh">{t("live", { time })}</span>;
}

/** Counters for who may read them, and for everybody the own notices. */
function useFresh(session: string, onOver: () => void): Fresh {
  const [fresh, setFresh] = useState<Fresh>(nothingYet);
  useEffect(
    () =>
      followLive(session, {
        notices: (notices) => setFresh((old) => ({ ...old, notices })),
        counters: (counters) => setFresh((old) => ({ ...old, counters, reachable: true })),
        reachable: (reachable) =>
          setFresh((old) => (old.reachable === reachable ? old : { ...old, reachable })),
        over: onOver,
        sound,
      }),
    [],
  );
  return fresh;
}

interface TopProps {
  session: Session;
  path: string;
  fresh: Fresh | null;
  notices: NoticeHead | null;
  demo: boolean;
  onLogOut(): void;
}

function Top({ session, path, fresh, notices, demo, onLogOut }: TopProps): JSX.Element {
  const shown = pages.filter((page) => mayOpen(page, session.permissions));
  const head = useRoom("--head", true);
  return (
    <header ref={head} class="top">
      <a class="brand" href="/" onClick={follow}>
        {t("brand")}
      </a>
      <span class="scope">{areaName(session.area)}</span>
      <nav class="nav" aria-label={t("pages")}>
        {shown.map((page) => (
          <a
            key={page.address}
            href={page.address}
            aria-current={page === pageOf(path) ? "page" : undefined}
            onClick={follow}
          >
            {t(page.words)}
          </a>
        ))}
      </nav>
      <div class="push">
        {demo && (
          <span class="demo" title={t("demoCityHint")}>
            {t("demoCity")}
          </span>
        )}
        {fresh && <Freshness fresh={fresh} />}
        <Bell head={notices} />
        <Switches />
        <SoundSwitch />
        <span class="who">
          {roleWords(session.role)} · {session.name}
        </span>
        <button class="button slim" type="button" onClick={onLogOut}>
          {t("logOut")}
        </button>
      </div>
    </header>
  );
}

function Screen(seen: Seen): JSX.Element {
  const drawn = pageOf(seen.path)?.draw(seen);
  if (drawn) return drawn;
  return (
    <div class="page">
      <h1>{t("notFoundTitle")}</h1>
      <p>
        <a href="/" onClick={follow}>
          {t("toSituation")}
        </a>
      </p>
    </div>
  );
}

interface InsideProps {
  session: Session;
  onLogOut(): void;
  /** The session ended elsewhere. */
  onOver(): void;
}

function Inside({ session, onLogOut, onOver }: InsideProps): JSX.Element {
  const { path } = usePlace();
  const follows = session.permissions.includes("situation.read");
  const fresh = useFresh(session.csrf, onOver);
  const [demo, setDemo] = useState(false);
  useEffect(() => {
    call("GET /api/v1/public/about").then(
      (about) => setDemo((chartCity.demo = about.demo)),
      () => {},
    );
  }, []);
  useEffect(() => {
    document.title = `${t(pageOf(path)?.words ?? "notFoundTitle")} · ${t("brand")}`;
  });
  return (
    <>
      <a class="skip" href="#main">
        {t("skip")}
      </a>
      <Top
        session={session}
        path={path}
        fresh={follows ? fresh : null}
        notices={fresh.notices}
        demo={demo}
        onLogOut={onLogOut}
      />
      <main id="main" tabIndex={-1} style={{ display: "contents" }}>
        <Screen session={session} path={path} fresh={fresh} />
      </main>
      <UndoBar />
    </>
  );
}

export function App(): JSX.Element {
  useSettings();
  const { path } = usePlace();
  const [phase, setPhase] = useState<Phase>({ name: "asking" });

  const inside = useRef(false);

  function leave(byItself: boolean): void {
    inside.current = false;
    forgetAll();
    setPhase({ name: "out", ended: byItself });
  }
  /** Of a session that ended, here or in another page of this browser, nothing is left. */
  function over(): void {
    if (!inside.current) return;
    leave(true);
    history.replaceState(ended, "");
    location.reload();
  }
  function enter(session: Session): void {
    inside.current = true;
    setCsrf(session.csrf);
    history.replaceState(null, "");
    setPhase({ name: "in", session });
    const first = pages.find((page) => mayOpen(page, session.permissions));
    // Who may not read the situation begins at the first page that is theirs.
    if (location.pathname === "/login" || location.pathname === "/") {
      const home = first && !mayOpen(pages[0]!, session.permissions) ? first.address : "/";
      go(home + (location.pathname === "/" && home === "/" ? location.search : ""), true);
    }
  }
  function ask(quietly = false): void {
    if (!quietly) setPhase({ name: "asking" });
    call("GET /api/v1/sessions/current").then(
      (session) => {
        if (session.kind === "user") enter(session);
        else setPhase({ name: "out", ended: false }); // a holder is logged in: officers log in anew
      },
      (reason: unknown) => {
        const problem = reason instanceof Problem ? reason : new Problem(-1, "", String(reason));
        if (problem.status === 401) setPhase({ name: "out", ended: wasEnded() });
        else setPhase({ name: "unreachable", problem });
      },
    );
  }
  useEffect(() => {
    whenSessionEnds(over);
    ask();
  }, []);
  useEffect(() => {
    // No stream is followed yet that would say when a server answers.
    if (phase.name !== "unreachable" || phase.problem.status !== 0) return;
    const timer = setTimeout(() => ask(true), askAgainMilliseconds);
    return () => clearTimeout(timer);
  }, [phase]);
  async function logOut(): Promise<void> {
    const reached = await call("DELETE /api/v1/sessions/current").then(
      () => true,
      () => false,
    );
    inside.current = false;
    sayEnded();
    leave(false);
    if (reached) location.replace("/login");
    else go("/login", true);
  }

  if (phase.name === "in")
    return (
      <Inside
        key={phase.session.csrf}
        session={phase.session}
        onLogOut={() => void logOut()}
        onOver={over}
      />
    );
  const waiting = phase.name === "unreachable" ? phase.problem : null;
  return (
    <>
      <header class="top">
        <a class="brand" href={path}>
          {t("brand")}
        </a>
        <div class="push">
          <Switches />
        </div>
      </header>
      <main style={{ display: "contents" }}>
        {phase.name === "out" ? (
          <LoginScreen ended={phase.ended} onLogin={enter} />
        ) : (
          <Waiting loaded={{ value: null, problem: waiting, reload: () => ask() }} />
        )}
      </main>
    </>
  );
}
