// The purpose of a look at persons: chosen from what the reader holds, never typed. The note that the
// look is recorded stands before the act, and no purpose is chosen in advance, except where the server
// takes one only. A purpose lives as long as the session's page and is stored nowhere.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem, call, type Problem } from "../api/client.ts";
import { t, wordFor } from "../catalogue.ts";
import { secondsOf } from "../format.ts";
import { say } from "../screens/loops/definitions.ts";
import { refusalWords, type Row } from "../screens/loops/words.ts";
import { roleWords, type Session } from "../screens/login.tsx";
import { askCityTime, cityNowKnown } from "./city-clock.ts";
import { whenForgotten } from "./forget.ts";
import { Icon } from "./icons.tsx";
import { useLoad } from "./load.tsx";

export interface Purpose {
  /** As X-Purpose names it. */
  value: string;
  /** When it ends: of broken glass only. */
  until: string | null;
}

const glass = "duty:break_glass";

// ---- Purposes that were given

const given = new Map<string, Purpose>();
whenForgotten(() => given.clear());

const hasEnded = (purpose: Purpose): boolean =>
  purpose.until !== null && secondsOf(purpose.until) <= cityNowKnown();

function find(keys: readonly string[]): Purpose | null {
  for (const key of keys) {
    const purpose = given.get(key);
    if (purpose && !hasEnded(purpose)) return purpose;
  }
  return null;
}

/** The purpose that was given under the first of `keys` that has one; a new one goes under the first. */
export function usePurpose(keys: readonly string[]): {
  purpose: Purpose | null;
  /** One was given, and its time is over. */
  ended: boolean;
  give(purpose: Purpose): void;
  drop(): void;
} {
  const [, setTurn] = useState(0);
  const turn = (): void => setTurn((old) => old + 1);
  const purpose = find(keys);
  const until = purpose?.until ?? null;
  useEffect(() => {
    if (!until) return;
    const timer = setTimeout(turn, Math.max(0, secondsOf(until) - cityNowKnown()) * 1000 + 50);
    return () => clearTimeout(timer);
  }, [until]);
  return {
    purpose,
    ended: !purpose && keys.some((key) => given.has(key)),
    give: (chosen) => {
      given.set(keys[0]!, chosen);
      turn();
    },
    drop: () => {
      keys.forEach((key) => given.delete(key));
      turn();
    },
  };
}

// ---- In words

export function purposeWords(value: string): string {
  const [kind, name] = value.split(":") as [string, string | undefined];
  if (kind === "duty" && name) return wordFor("duty", name) ?? name;
  if (kind === "case") return t("caseNumber", { id: name ?? "" });
  return t("loopNumber", { id: name ?? "" });
}

/** 29:58; the hours too where there are any. */
function countdown(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const two = (part: number): string => String(part).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const rest = `${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}

function Countdown({ until }: { until: string }): JSX.Element {
  const [, setTurn] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTurn((old) => old + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <b class="glass-clock" role="timer">
      {t("glassLeft", { left: countdown(secondsOf(until) - cityNowKnown()) })}
    </b>
  );
}

/** What the page in view was opened for, and how to choose anew. */
export function PurposeLine(props: { purpose: Purpose; onChange(): void }): JSX.Element {
  const { purpose, onChange } = props;
  return (
    <p class={`purpose-line${purpose.until ? " glass" : ""}`}>
      <span>
        <Icon name="lock" />{" "}
        {t("purposeRecorded", { words: purposeWords(purpose.value), purpose: purpose.value })}
      </span>
      {purpose.until && <Countdown until={purpose.until} />}
      <button class="button slim" type="button" onClick={onChange}>
        {t("purposeChange")}
      </button>
    </p>
  );
}

// ---- The dialog

/** What is to be opened: it decides which purposes fit. */
export type Matter =
  | { kind: "list"; duties?: readonly string[]; glass?: boolean }
  | { kind: "review" }
  | { kind: "person"; no: number; from?: string }
  | { kind: "case"; id: number };

interface Choice {
  value: string;
  words: string;
}

/** A loop opens the one person whom it is about: those that the reader has a part in. */
async function loopsAbout(no: number, signal: AbortSignal): Promise<readonly Row[]> {
  const page = await call("GET /api/v1/loops:purposes", { query: { person: no, limit: 100 }, signal });
  return page.items;
}

function choicesOf(matter: Matter, session: Session, loops: readonly Row[]): Choice[] {
  if (matter.kind === "case")
    return [{ value: `case:${matter.id}`, words: t("gateThisCase", { id: matter.id }) }];
  if (matter.kind === "review")
    return [
      {
        value: `duty:${session.role}`,
        words: t("gateRole", { role: roleWords(session.role) }),
      },
    ];
  const held = session.duties.filter(
    (duty) => matter.kind !== "list" || !matter.duties || matter.duties.includes(duty),
  );
  const duties = held.map((duty) => ({
    value: `duty:${duty}`,
    words: t("gateDutyNamed", { duty: wordFor("duty", duty) ?? duty }),
  }));
  const breaks = session.permissions.includes("glass.break");
  if (matter.kind === "list")
    return [...duties, ...(matter.glass && breaks ? [{ value: glass, words: t("gateGlass") }] : [])];
  return [
    ...loops.map((row) => ({
      value: `loop:${row.id}`,
      words: t("gateLoop", { id: row.id, title: say(row.title), stage: say(row.stage_title) }),
    })),
    ...(matter.from
      ? [{ value: matter.from, words: t("gateFrom", { what: purposeWords(matter.from) }) }]
      : []),
    ...duties,
    ...(breaks ? [{ value: glass, words: t("gateGlass") }] : []),
  ];
}

interface FormProps {
  title: string;
  session: Session;
  choices: readonly Choice[];
  ended: boolean;
  onOpen(purpose: Purpose): void;
}

function GlassReason(props: { text: string; onText(text: string): void }): JSX.Element {
  return (
    <div class="glass-reason">
      <p class="record">{t("glassNote")}</p>
      <label class="field" for="glass-reason">
        {t("glassReason")}
      </label>
      <textarea
        id="glass-reason"
        name="reason"
        rows={3}
        value={props.text}
        aria-describedby="glass-reason-hint"
        onInput={(event) => props.onText(event.currentTarget.value)}
      />
      <span id="glass-reason-hint" class="quiet">
        {t("glassReasonHint")}
      </span>
    </div>
  );
}

function PurposeForm({ title, session, choices, ended, onOpen }: FormProps): JSX.Element {
  const [value, setValue] = useState(choices.length === 1 ? choices[0]!.value : "");
  const [reason, setReason] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.querySelector<HTMLElement>("input")?.focus();
  }, []);

  async function open(): Promise<void> {
    if (!value || busy) return;
    if (value !== glass) return onOpen({ value, until: null });
    setBusy(true);
    try {
      await askCityTime(); // its end is counted by it
      const broken = await call("POST /api/v1/break-glass", { body: { reason: reason.trim() } });
      onOpen({ value: broken.purpose, until: broken.expires_at });
    } catch (failure) {
      setProblem(asProblem(failure));
      setBusy(false);
    }
  }
  return (
    <form
      ref={form}
      class="gate"
      aria-labelledby="gate-title"
      onSubmit={(event) => {
        event.preventDefault();
        void open();
      }}
      onKeyDown={(event) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        void open();
      }}
    >
      <h1 id="gate-title">
        <Icon name="lock" />
        {title}
      </h1>
      {ended && (
        <p class="notice" role="status">
          {t("gateEnded")}
        </p>
      )}
      <p class="record" id="gate-note">
        {t("gateNote", { name: session.name })}
      </p>
      <p class="dim small">{t("gateMasked")}</p>
      {!choices.length && (
        <p class="notice bad" role="alert">
          {t("gateNothingHeld")}
        </p>
      )}
      <fieldset>
        <legend>{t("gatePurpose")}</legend>
        {choices.map((choice) => (
          <label key={choice.value}>
            <input
              type="radio"
              name="purpose"
              value={choice.value}
              checked={value === choice.value}
              onChange={() => setValue(choice.value)}
            />
            {choice.words}
          </label>
        ))}
      </fieldset>
      {value === glass && (
        <GlassReason
          text={reason}
          onText={(text) => {
            setReason(text);
            setProblem(null);
          }}
        />
      )}
      {problem && (
        <p class="notice bad" role="alert">
          {problem.fields.includes("reason") ? t("glassReasonBad") : refusalWords(problem)}
        </p>
      )}
      <div class="bar-line">
        <button
          class="button main"
          type="submit"
          disabled={!value || busy}
          aria-describedby="gate-note"
        >
          <Icon name="lock" />
          {t(value === glass ? "glassBreak" : "gateOpen")}
          <kbd>{value === glass ? "Ctrl Enter" : "Enter"}</kbd>
        </button>
        {!value && choices.length > 0 && <span class="dim small">{t("gateChoose")}</span>}
      </div>
    </form>
  );
}

interface GateProps {
  title: string;
  session: Session;
  matter: Matter;
  /** A purpose that was given before has run out. */
  ended?: boolean;
  onOpen(purpose: Purpose): void;
}

export function PurposeGate(props: GateProps): JSX.Element {
  const { title, session, matter, ended = false, onOpen } = props;
  const no = matter.kind === "person" && session.permissions.includes("loop.read") ? matter.no : 0;
  const loops = useLoad(no ? `held-${no}` : null, (signal) => loopsAbout(no, signal));
  if (no && !loops.value && !loops.problem)
    return (
      <p class="page dim" role="status">
        {t("gateLooking")}…
      </p>
    );
  return (
    <PurposeForm
      key={no}
      title={title}
      session={session}
      choices={choicesOf(matter, session, loops.value ?? [])}
      ended={ended}
      onOpen={onOpen}
    />
  );
}
