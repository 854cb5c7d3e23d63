// The one event stream of a browser, and the pages that it is handed on to. Runs in a SharedWorker
// (live-worker.ts), or inside the page where the browser has none.
//
//   closed ──a page joins──► asking ──its session is good──► open ──silence, an error──► waiting
//     ▲                        │ nobody is logged in           │                           │
//     └── the last page left ──┴── pages are told "over" ◄─────┴────────── asking ◄────────┘
//
// Words of the server go only to pages of the session that the stream itself named: a browser has one
// cookie, and who logs in after somebody must not feed the pages that are still theirs. A page that
// left without a word is found by a ping; one that was frozen comes back with its answer.
import type { Counters, NoticeHead } from "./live.ts";

/** What a page says. It joins when it begins and whenever its reader turns to it; a ping it answers
 *  that it is alive. `session` is what only pages of that session know: its csrf. */
export type Said =
  | { kind: "join"; session: string; visible: boolean }
  | { kind: "alive"; session: string; visible: boolean }
  | { kind: "arrived"; what: string; quiet: boolean }
  | { kind: "ended" }
  | { kind: "bye" };

/** What a page is told. */
export type Told =
  | { kind: "counters"; counters: Counters }
  | { kind: "notices"; head: NoticeHead }
  | { kind: "viewers"; turn: number }
  | { kind: "reachable"; reachable: boolean }
  | { kind: "sound" }
  | { kind: "over" }
  | { kind: "ping" };

interface Page {
  session: string;
  /** When it was last looked at; 0 while it is hidden. */
  seen: number;
  answered: number;
  tell(told: Told): void;
}

// The server speaks every two seconds; longer than this, and it is away.
const silenceMilliseconds = 12_000;
const retryMilliseconds = 1_500;
const pingMilliseconds = 5_000;
const goneMilliseconds = 16_000;
/** One tone for all that comes at once: the pages find the same arrivals one after the other. */
const quietMilliseconds = 10_000;
const soundedMost = 64;

export class LiveHub {
  readonly #pages = new Set<Page>();
  #source: EventSource | null = null;
  /** Whose stream it is, as the stream says; "" until then. */
  #session = "";
  #asking = false;
  #retry = 0;
  #silence = 0;
  #pings = 0;
  #counters: Counters | null = null;
  #notices: NoticeHead | null = null;
  #turn = 0;
  #reachable: boolean | null = null;
  #sounded: string[] = [];
  #quietUntil = 0;

  /** A page's own end: what it says goes into the answer. */
  connect(tell: (told: Told) => void): (said: Said) => void {
    const page: Page = { session: "", seen: 0, answered: Date.now(), tell };
    return (said) => this.#hear(page, said);
  }

  #hear(page: Page, said: Said): void {
    page.answered = Date.now();
    if (said.kind === "join" || said.kind === "alive") this.#join(page, said);
    else if (said.kind === "arrived") this.#sound(said.what, said.quiet);
    else if (said.kind === "bye") this.#leave(page);
    else if (said.kind === "ended") this.#end((one) => one.session === page.session);
  }

  #join(page: Page, said: Extract<Said, { kind: "join" | "alive" }>): void {
    const { kind, session, visible } = said;
    if (kind === "join" || visible !== page.seen > 0) page.seen = visible ? Date.now() : 0;
    if (this.#pages.has(page)) return;
    page.session = session;
    this.#pages.add(page);
    this.#pings ||= setInterval(() => this.#ping(), pingMilliseconds);
    if (this.#reachable === false) page.tell({ kind: "reachable", reachable: false });
    if (this.#source && session === this.#session) this.#catchUp(page);
    else if (!this.#source || this.#session) void this.#ask(); // nobody's yet, or another's
  }

  #leave(page: Page): void {
    if (!this.#pages.delete(page) || this.#pages.size) return;
    clearInterval(this.#pings);
    this.#pings = 0;
    this.#close();
  }

  #ping(): void {
    for (const page of [...this.#pages])
      if (Date.now() - page.answered > goneMilliseconds) this.#leave(page);
      else page.tell({ kind: "ping" });
  }

  /** The pages that `whose` names are of a session that is over. */
  #end(whose: (page: Page) => boolean): void {
    const theirs = [...this.#pages].filter(whose);
    if (theirs.some(({ session }) => session === this.#session)) this.#close();
    for (const page of theirs) {
      page.tell({ kind: "over" });
      this.#leave(page);
    }
    if (this.#pages.size && !this.#source) void this.#ask();
  }

  /** Whose the browser's cookie is now: pages of others are over, the stream is opened for the rest. */
  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    clearTimeout(this.#retry);
    let session: string | null = null; // not known: the server is away, or too busy to say
    try {
      const response = await fetch("/api/v1/sessions/current", { cache: "no-store" });
      if (response.status === 401) session = "";
      else if (response.ok) {
        const answer = (await response.json()) as { kind: string; csrf: string };
        session = answer.kind === "user" ? answer.csrf : "";
      }
    } catch {
      // The server is away: asked again.
    }
    this.#asking = false;
    if (session === null) {
      this.#say(false);
      this.#later();
      return;
    }
    if (session !== this.#session) this.#close();
    const others = [...this.#pages].filter((page) => page.session !== session);
    for (const page of others) {
      page.tell({ kind: "over" });
      this.#leave(page);
    }
    if (this.#pages.size && !this.#source) this.#open();
  }

  #later(): void {
    clearTimeout(this.#retry);
    // Not all browsers at once after a restart.
    const milliseconds = retryMilliseconds * (1 + Math.random());
    if (this.#pages.size) this.#retry = setTimeout(() => void this.#ask(), milliseconds);
  }

  #open(): void {
    const source = new EventSource("/api/v1/events/stream");
    const on = (name: string, act: (data: unknown) => void): void =>
      source.addEventListener(name, (event: MessageEvent<string>) => {
        if (source === this.#source) act(JSON.parse(event.data));
      });
    this.#source = source;
    on("session", (data) => this.#begin((data as { csrf: string }).csrf));
    on("counters", (data) => {
      this.#heard();
      this.#counters = (data as { counters?: Counters }).counters ?? this.#counters;
      if (this.#counters) this.#tell({ kind: "counters", counters: this.#counters });
    });
    on("notice", (data) => this.#hearNotices(data as NoticeHead));
    on("viewers", (data) => {
      this.#turn = (data as { turn: number }).turn;
      this.#tell({ kind: "viewers", turn: this.#turn });
    });
    source.addEventListener("error", () => {
      if (source === this.#source) this.#lose();
    });
  }

  #begin(session: string): void {
    const known = [...this.#pages].every((page) => page.session === session);
    if (session !== this.#session) this.#forget();
    this.#session = session;
    if (!known) void this.#ask();
    this.#say(true);
  }

  #heard(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lose(), silenceMilliseconds);
  }

  #hearNotices(head: NoticeHead): void {
    const before = this.#notices;
    this.#notices = head;
    this.#tell({ kind: "notices", head });
    if (before && head.newest > before.newest && head.unread) this.#sound(`notice-${head.newest}`);
  }

  /** The stream broke off, or nothing came for too long. */
  #lose(): void {
    this.#stop();
    this.#say(false);
    this.#later();
  }

  #stop(): void {
    clearTimeout(this.#silence);
    this.#source?.close();
    this.#source = null;
  }

  /** Nothing of the session is kept. */
  #close(): void {
    this.#stop();
    clearTimeout(this.#retry);
    this.#forget();
    this.#reachable = null;
  }

  #forget(): void {
    this.#session = "";
    this.#counters = null;
    this.#notices = null;
    this.#turn = 0;
    this.#sounded = [];
  }

  #say(reachable: boolean): void {
    if (reachable === this.#reachable) return;
    this.#reachable = reachable;
    this.#tell({ kind: "reachable", reachable });
  }

  #catchUp(page: Page): void {
    if (this.#reachable) page.tell({ kind: "reachable", reachable: true });
    if (this.#counters) page.tell({ kind: "counters", counters: this.#counters });
    if (this.#notices) page.tell({ kind: "notices", head: this.#notices });
    if (this.#turn) page.tell({ kind: "viewers", turn: this.#turn });
  }

  /** To pages of the stream's session; that the server is away concerns all. */
  #tell(told: Told): void {
    for (const page of this.#pages)
      if (page.session === this.#session || (told.kind === "reachable" && !told.reachable))
        page.tell(told);
  }

  /** Asks one page for a tone: the one that was looked at last. Once for what arrived, whoever saw it;
   *  never for what its reader is just looking at. */
  #sound(what: string, quiet = false): void {
    if (this.#sounded.includes(what)) return;
    this.#sounded = [...this.#sounded.slice(-soundedMost), what];
    if (quiet || Date.now() < this.#quietUntil) return;
    const [first, ...rest] = [...this.#pages].filter(({ session }) => session === this.#session);
    if (!first) return;
    this.#quietUntil = Date.now() + quietMilliseconds;
    rest.reduce((best, page) => (page.seen > best.seen ? page : best), first).tell({
      kind: "sound",
    });
  }
}
