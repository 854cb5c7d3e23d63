// What is live in a page: counters, notices, whether the server answers, and that somebody moved in a
// loop that is open. One stream serves all pages of a browser (live-hub.ts, in a SharedWorker). Some
// phones' browsers have no SharedWorker: there each page has a stream of its own.
import type { Answer } from "./client.ts";
import { LiveHub, type Said, type Told } from "./live-hub.ts";
import { tellAnswers, tellMoment } from "./moments.ts";
import workerAddress from "./live-worker.ts?sharedworker&url";

export type Counters = Answer<"GET /api/v1/situation">["counters"];

export interface NoticeHead {
  newest: number;
  unread: number;
}

export interface LiveListener {
  /** How many of the reader's own notices are unread, and the newest: at once and on change. */
  notices(head: NoticeHead): void;
  counters(counters: Counters): void;
  /** false: nothing has come for a while, or the stream is broken. */
  reachable(reachable: boolean): void;
  /** The session is over, ended here or in another page of this browser. */
  over(): void;
  /** This page is the one that makes the tone. */
  sound(): void;
}

// ---- The end that is heard: a shared worker's port, or a hub of the page's own

interface Factory {
  createPolicy(name: string, rules: { createScriptURL(text: string): string }): {
    createScriptURL(text: string): string;
  };
}
// A worker's address is a sink of trusted types: this one is the build's own.
const policy = (globalThis as { trustedTypes?: Factory }).trustedTypes?.createPolicy(
  "chengmai-live",
  { createScriptURL: (text) => text },
);

function openOwn(tell: (told: Told) => void): (said: Said) => void {
  return new LiveHub().connect(tell);
}

function openShared(tell: (told: Told) => void, failed: () => void): (said: Said) => void {
  const address = policy ? policy.createScriptURL(workerAddress) : workerAddress;
  const worker = new SharedWorker(address, { type: "module", name: "chengmai-live" });
  worker.onerror = failed; // its script did not come: nothing was heard, nothing will be
  worker.port.onmessage = (event: MessageEvent<Told>) => tell(event.data);
  return (said) => worker.port.postMessage(said);
}

let say: (said: Said) => void = () => {};

/** What a page finds when it is turned to is seen: it needs no tone. */
const turnedToMilliseconds = 3_000;
let turnedToAt = 0;

/** A list counted something new, by its newest: a tone, where nobody heard of it yet. */
export const arrived = (what: string): void =>
  say({ kind: "arrived", what, quiet: Date.now() - turnedToAt < turnedToMilliseconds });

/** This session ended by hand: so it did for every page of this browser. */
export const sayEnded = (): void => say({ kind: "ended" });

/** Follows the stream as a page of the session with that csrf, until the answer is called. */
export function followLive(session: string, listener: LiveListener): () => void {
  let wasAway = false;
  const visible = (): boolean => !document.hidden;
  function hear(told: Told): void {
    if (told.kind === "ping") {
      send({ kind: "alive", session, visible: visible() });
      tellMoment("tick");
    } else if (told.kind === "counters") listener.counters(told.counters);
    else if (told.kind === "notices") listener.notices(told.head);
    else if (told.kind === "viewers") tellMoment("viewers");
    else if (told.kind === "sound") listener.sound();
    else if (told.kind === "over") listener.over();
    else {
      listener.reachable(told.reachable);
      tellAnswers(told.reachable);
      if (told.reachable && wasAway) tellMoment("back");
      wasAway = !told.reachable;
    }
  }
  const join = (): void => send({ kind: "join", session, visible: visible() });
  function fallBack(): void {
    send = openOwn(hear);
    join();
  }
  let send: (said: Said) => void =
    "SharedWorker" in globalThis ? openShared(hear, fallBack) : openOwn(hear);
  say = (said) => send(said);
  join();

  const onTurn = (): void => {
    if (visible()) turnedToAt = Date.now();
    join();
  };
  const onHide = (): void => send({ kind: "bye" });
  const onShow = (event: PageTransitionEvent): void => {
    if (event.persisted) join(); // back out of the browser's memory
  };
  document.addEventListener("visibilitychange", onTurn);
  addEventListener("focus", join);
  addEventListener("pagehide", onHide);
  addEventListener("pageshow", onShow);
  return () => {
    document.removeEventListener("visibilitychange", onTurn);
    removeEventListener("focus", join);
    removeEventListener("pagehide", onHide);
    removeEventListener("pageshow", onShow);
    send({ kind: "bye" });
    say = () => {};
  };
}
