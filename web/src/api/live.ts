// Live counters by server-sent events. The browser reconnects a broken stream by itself; a stream
// that the server refused is tried again here. Silence is told apart from quiet: the server speaks
// at least every few seconds, so that a long pause means that it is away.
import type { Answer } from "./client.ts";

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
}

const silenceMilliseconds = 12_000;
const retryMilliseconds = 3_000;

export function followCounters(listener: LiveListener): () => void {
  let source: EventSource | null = null;
  let silence = 0;
  let retry = 0;

  function heard(): void {
    clearTimeout(silence);
    silence = setTimeout(() => listener.reachable(false), silenceMilliseconds);
    listener.reachable(true);
  }

  function open(): void {
    source = new EventSource("/api/v1/events/stream");
    source.addEventListener("counters", (event: MessageEvent<string>) => {
      heard();
      const body = JSON.parse(event.data) as { counters?: Counters };
      if (body.counters) listener.counters(body.counters);
    });
    source.addEventListener("notice", (event: MessageEvent<string>) =>
      listener.notices(JSON.parse(event.data) as NoticeHead),
    );
    source.addEventListener("error", () => {
      listener.reachable(false);
      if (source?.readyState === EventSource.CLOSED) retry = setTimeout(open, retryMilliseconds);
    });
  }

  open();
  return () => {
    clearTimeout(silence);
    clearTimeout(retry);
    source?.close();
  };
}
