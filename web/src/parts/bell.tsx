// The reader's own notices: how many are unread, as the server says it at once, and the newest of
// them. Reading them here marks nothing: that is an act of its own.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem, call, type Answer, type Problem } from "../api/client.ts";
import type { NoticeHead } from "../api/live.ts";
import { t, wordFor } from "../catalogue.ts";
import { dayAndClock } from "../format.ts";
import { go } from "../router.ts";
import { settings } from "../settings.ts";
import { Icon } from "./icons.tsx";
import { problemWords, useLoad } from "./load.tsx";

type Notice = Answer<"GET /api/v1/notices">["items"][number];
const shown = 30;

/** Of a title that the server gives in both languages. */
function titleOf(notice: Notice, name: string): string {
  const words = notice.about[name] as { zh?: string; en?: string } | undefined;
  return words?.[settings.language] ?? "";
}

function NoticeRow({ notice, onFollow }: { notice: Notice; onFollow(): void }): JSX.Element {
  const about = [titleOf(notice, "title"), titleOf(notice, "stage_title")].filter(Boolean);
  const kind = wordFor("notice", notice.kind) ?? notice.kind;
  const words = (
    <>
      <b>{notice.kind === "digest" ? t("noticeDigest", { found: notice.found }) : kind}</b>
      <span>
        {about.join(" · ")}
        {notice.loop !== null && ` · ${t("loopNumber", { id: notice.loop })}`}
      </span>
      <span class="quiet">{dayAndClock(notice.at)}</span>
    </>
  );
  return (
    <li class={notice.unread ? "unread" : ""}>
      {notice.unread && <span class="sr">{t("noticeUnread")}</span>}
      {notice.loop === null ? (
        <div>{words}</div>
      ) : (
        <a
          href={`/loops/${notice.loop}`}
          onClick={(event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return;
            event.preventDefault();
            go(`/loops/${notice.loop}`);
            onFollow();
          }}
        >
          {words}
        </a>
      )}
    </li>
  );
}

function Panel({ newest, onClose }: { newest: number; onClose(): void }): JSX.Element {
  const [turn, setTurn] = useState(0);
  const [problem, setProblem] = useState<Problem | null>(null);
  const loaded = useLoad(`notices-${newest}-${turn}`, (signal) =>
    call("GET /api/v1/notices", { query: { limit: shown }, signal }),
  );
  const page = loaded.value;
  async function mark(): Promise<void> {
    if (!page) return;
    try {
      await call("POST /api/v1/notices:read", { body: { up_to: page.newest } });
      setProblem(null);
      setTurn((old) => old + 1);
    } catch (reason) {
      setProblem(asProblem(reason));
    }
  }
  const failed = problem ?? loaded.problem;
  return (
    <div id="notices" class="notices" role="region" aria-label={t("notices")}>
      <div class="bar-line">
        <h2>{t("notices")}</h2>
        <button
          class="button slim"
          type="button"
          disabled={!page?.unread}
          onClick={() => void mark()}
        >
          {t("noticesRead")}
        </button>
        <button class="button slim" type="button" onClick={onClose}>
          {t("close")} <kbd>Esc</kbd>
        </button>
      </div>
      {failed && (
        <p class="notice bad" role="alert">
          {problemWords(failed)}
        </p>
      )}
      {!page && !failed && <p class="dim" role="status">{t("loading")}…</p>}
      {page && !page.items.length && <p class="dim">{t("noticesNone")}</p>}
      {page && page.items.length > 0 && (
        <ol>
          {page.items.map((notice) => (
            <NoticeRow key={notice.id} notice={notice} onFollow={onClose} />
          ))}
        </ol>
      )}
      {page?.next && <p class="quiet">{t("noticesMore", { count: shown })}</p>}
    </div>
  );
}

export function Bell({ head }: { head: NoticeHead | null }): JSX.Element {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  useEffect(() => {
    if (!open) return;
    const outside = (event: MouseEvent): void => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    // Wherever the focus is: a button that was used up has none any more.
    const escape = (event: KeyboardEvent): void => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      event.stopPropagation();
      close();
    };
    addEventListener("mousedown", outside);
    addEventListener("keydown", escape, { capture: true });
    return () => {
      removeEventListener("mousedown", outside);
      removeEventListener("keydown", escape, { capture: true });
    };
  }, [open]);
  const unread = head?.unread ?? 0;
  return (
    <div ref={box} class="bell">
      <button
        ref={button}
        class={`button slim${unread ? " unread" : ""}`}
        type="button"
        aria-expanded={open}
        aria-controls={open ? "notices" : undefined}
        onClick={() => setOpen(!open)}
      >
        <Icon name="bell" />
        {unread ? t("noticesUnread", { count: unread }) : t("notices")}
      </button>
      {open && <Panel newest={head?.newest ?? 0} onClose={close} />}
    </div>
  );
}
