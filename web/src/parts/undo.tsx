// An act on many at once is not sent at once: for some seconds it waits in a bar that every page
// shows, and can be taken back whole. Nothing is recorded before it is sent, which the bar says; the
// document asks before it is left with one in hand, and the end of a session drops it. One waits at a
// time: the next one sends the one before it.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client.ts";
import { t } from "../catalogue.ts";
import { follow } from "../router.ts";
import { whenForgotten } from "./forget.ts";
import { Icon } from "./icons.tsx";
import { useKeys } from "./keys.tsx";
import { problemWords } from "./load.tsx";
import { useRoom } from "./room.ts";

const undoSeconds = 8;

export interface Outcome {
  words: string;
  /** What was not done: where to look, and why. */
  refused: { address: string; words: string }[];
}

export interface LaterAct {
  /** What will be done, as a sentence. */
  words: string;
  /** Sends it, each time as the same request; may throw a Problem. */
  send(): Promise<Outcome>;
  /** It was taken back; nothing was sent. */
  onUndone(): void;
  onFailed(problem: Problem): void;
  /** Whoever asked for it is still there, and shows itself what became of it. */
  isWatched(): boolean;
}

type State =
  | { name: "none" }
  | { name: "waiting"; act: LaterAct; left: number }
  | { name: "sending"; act: LaterAct }
  | { name: "failed"; act: LaterAct; problem: Problem }
  | { name: "undone"; words: string }
  | { name: "done"; outcome: Outcome };

/** What became of an act while another one already had the bar: told beside it, never dropped. */
type Ended = Extract<State, { name: "failed" | "done" }>;

let state: State = { name: "none" };
let earlier: readonly Ended[] = [];
let timer = 0;
let held = false;
const watchers = new Set<() => void>();

function become(next: State): void {
  state = next;
  for (const watcher of watchers) watcher();
}

const askBeforeLeaving = (event: Event): void => event.preventDefault();

function stopWaiting(): void {
  clearInterval(timer);
  held = false;
  removeEventListener("beforeunload", askBeforeLeaving);
}

function end(act: LaterAct, ended: Ended): void {
  const mine = state.name === "sending" && state.act === act;
  if (!mine && !act.isWatched()) earlier = [...earlier, ended];
  become(mine ? (act.isWatched() ? { name: "none" } : ended) : state);
}

async function send(act: LaterAct): Promise<void> {
  if (state.name === "waiting" && state.act === act) stopWaiting();
  become({ name: "sending", act });
  try {
    end(act, { name: "done", outcome: await act.send() });
  } catch (reason) {
    const problem = asProblem(reason);
    end(act, { name: "failed", act, problem });
    act.onFailed(problem);
  }
}

function tick(): void {
  if (state.name !== "waiting" || held) return;
  const left = state.left - 1;
  if (left > 0) become({ ...state, left });
  else void send(state.act);
}

/** Sends an act after the window for taking it back. */
export function sendLater(act: LaterAct): void {
  if (state.name === "waiting") void send(state.act);
  if (state.name === "failed") earlier = [...earlier, state]; // nobody has answered it yet
  stopWaiting();
  addEventListener("beforeunload", askBeforeLeaving);
  become({ name: "waiting", act, left: undoSeconds });
  timer = setInterval(tick, 1000);
}

/** Sends one again; what waits meanwhile is sent first, and not forgotten. */
function sendNow(act: LaterAct): void {
  if (state.name === "waiting") void send(state.act);
  void send(act);
}

function undo(): void {
  if (state.name !== "waiting") return;
  const { act } = state;
  stopWaiting();
  become({ name: "undone", words: act.words });
  act.onUndone();
}

whenForgotten(() => {
  stopWaiting();
  earlier = [];
  become({ name: "none" });
});

function Refused({ outcome }: { outcome: Outcome }): JSX.Element | null {
  if (!outcome.refused.length) return null;
  return (
    <details>
      <summary>{t("undoRefused", { count: outcome.refused.length })}</summary>
      <ul>
        {outcome.refused.map((one) => (
          <li key={one.address}>
            <a href={one.address} onClick={follow}>
              {one.words}
            </a>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** The seconds stand still while the focus is on the bar: nobody is hurried who works by keys. */
function WaitingBar({ act, left }: { act: LaterAct; left: number }): JSX.Element {
  return (
    <div
      class="bar-line"
      onFocusIn={() => void (held = true)}
      onFocusOut={() => void (held = false)}
    >
      <span role="status">
        <b>{act.words}</b> {t("undoWaits")}
      </span>
      <span class="undo-left" aria-hidden="true">
        {t("undoLeft", { seconds: left })}
      </span>
      <button class="button" type="button" data-act="undo" onClick={undo}>
        {t("undoAct")} <kbd>Z</kbd>
      </button>
      <button class="button" type="button" data-act="send" onClick={() => void send(act)}>
        {t("undoSend")}
      </button>
    </div>
  );
}

function EndedLine({ ended, onClose }: { ended: Ended; onClose(): void }): JSX.Element {
  return (
    <div class="bar-line" data-ended={ended.name}>
      {ended.name === "failed" ? (
        <>
          <span role="alert">
            <Icon name="late" /> <b>{ended.act.words}</b>{" "}
            {t("undoFailed", { words: problemWords(ended.problem) })}
          </span>
          <button
            class="button"
            type="button"
            onClick={() => {
              onClose();
              sendNow(ended.act);
            }}
          >
            {t("retry")}
          </button>
        </>
      ) : (
        <>
          <span role="status">{ended.outcome.words}</span>
          <Refused outcome={ended.outcome} />
        </>
      )}
      <Close onClose={onClose} />
    </div>
  );
}

const Close = ({ onClose }: { onClose(): void }): JSX.Element => (
  <button class="button slim" type="button" onClick={onClose}>
    {t("undoClose")}
  </button>
);

export function UndoBar(): JSX.Element | null {
  const [, redraw] = useState(0);
  useEffect(() => {
    const watcher = (): void => redraw((turn) => turn + 1);
    watchers.add(watcher);
    return () => void watchers.delete(watcher);
  }, []);
  const now = state;
  useKeys(now.name === "waiting" ? { z: undo } : {});
  const isShown = now.name !== "none" || earlier.length > 0;
  const bar = useRoom("--foot", isShown); // no control lies under it
  if (!isShown) return null;
  const clear = (): void => become({ name: "none" });
  return (
    <aside ref={bar} class={`undo ${now.name}`} aria-label={t("undoBar")}>
      {earlier.map((ended, i) => (
        <EndedLine
          key={i}
          ended={ended}
          onClose={() => {
            earlier = earlier.filter((one) => one !== ended);
            become(state);
          }}
        />
      ))}
      {now.name === "waiting" && <WaitingBar act={now.act} left={now.left} />}
      {now.name === "sending" && <p role="status">{t("undoSending", { words: now.act.words })}…</p>}
      {now.name === "undone" && (
        <div class="bar-line">
          <span role="status">{t("undoUndone", { words: now.words })}</span>
          <Close onClose={clear} />
        </div>
      )}
      {(now.name === "failed" || now.name === "done") && (
        <EndedLine ended={now} onClose={clear} />
      )}
    </aside>
  );
}
