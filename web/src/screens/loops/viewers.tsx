// Who else has this loop open, and whether it moved on meanwhile. The page says that it is open and
// says so again before its lease ends; what it is told is looked up with the reader's own right. A loop
// that moved is never read anew by itself: the reader takes the new state, and typed words stay.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem, call, type Answer } from "../../api/client.ts";
import { onLive } from "../../api/moments.ts";
import { t, wordFor } from "../../catalogue.ts";
import { clock } from "../../format.ts";
import { useKeys } from "../../parts/keys.tsx";
import { roleWords } from "../login.tsx";
import { areaWords, say } from "./definitions.ts";
import { keptDraft } from "./drafts.ts";
import type { Loop } from "./words.ts";

type Viewing = Answer<"PUT /api/v1/loops/{id}/viewers/{page}">;

// This page's own name among those of its user.
const page = [...crypto.getRandomValues(new Uint8Array(12))]
  .map((byte) => byte.toString(16).padStart(2, "0"))
  .join("");
const firstRenewal = 10;

const asks = new Set<() => void>();
/** The server refused a step as a conflict: somebody was first, perhaps. */
export const askWhoMoved = (): void => asks.forEach((ask) => ask());

/** Says that the page has the loop open, as long as it does; what it was told last. */
function useViewing(id: number, writing: boolean): Viewing | null {
  const [viewing, setViewing] = useState<Viewing | null>(null);
  const latest = useRef(writing);
  latest.current = writing;
  const ask = useRef<() => void>(() => {});
  useEffect(() => {
    const path = { id, page };
    let over = false;
    let busy = false;
    let again = false;
    let saidAt = 0;
    let renewSeconds = firstRenewal;
    async function announce(): Promise<void> {
      again = busy;
      if (busy || over) return;
      busy = true;
      saidAt = Date.now();
      try {
        const body = { writing: latest.current };
        const told = await call("PUT /api/v1/loops/{id}/viewers/{page}", { path, body });
        renewSeconds = told.renew_seconds;
        if (!over) setViewing(told);
      } catch (reason) {
        const { status } = asProblem(reason);
        if (!over) setViewing(null); // who else is there is not known
        over ||= status === 404 || status === 403;
      }
      busy = false;
      if (again) void announce();
    }
    const renew = (): void => {
      if (Date.now() - saidAt >= renewSeconds * 900) void announce();
    };
    const leave = (): void => {
      void call("DELETE /api/v1/loops/{id}/viewers/{page}", { path, lasting: true }).catch(() => {});
    };
    const now = (): void => void announce();
    ask.current = now;
    now();
    asks.add(now);
    const ends = [onLive("viewers", now), onLive("back", now), onLive("tick", renew)];
    const timer = setInterval(renew, 1000);
    addEventListener("pagehide", leave);
    addEventListener("pageshow", renew);
    return () => {
      over = true;
      asks.delete(now);
      ends.forEach((end) => end());
      clearInterval(timer);
      removeEventListener("pagehide", leave);
      removeEventListener("pageshow", renew);
      leave();
    };
  }, [id]);
  useEffect(() => ask.current(), [writing]);
  return viewing;
}

/** What was typed and is in no form now, by field; what the loop holds anyway is not. */
function keptWords(loop: Loop): { title: string; text: string }[] {
  const kept = keptDraft(loop.id);
  if (!kept) return [];
  const typed = loop.fields
    .filter((field) => field.type !== "photo" && kept.draft[field.name]?.trim())
    .map((field) => ({ field, text: kept.draft[field.name] ?? "" }))
    .filter(({ field, text }) => text !== String(field.value ?? ""))
    .map(({ field, text }) => ({ title: say(field.title), text }));
  return kept.note.trim() ? [...typed, { title: t("note"), text: kept.note }] : typed;
}

function whoMoved({ newest }: Viewing): string {
  if (newest.by === "clock") return t("byClock");
  return newest.by === "event" ? t("byEvent") : newest.by;
}

interface Props {
  loop: Loop;
  writing: boolean;
  onTake(): void;
}

export function Viewers({ loop, writing, onTake }: Props): JSX.Element | null {
  const viewing = useViewing(loop.id, writing);
  const moved = viewing !== null && viewing.newest.no > loop.last_act;
  useKeys(moved ? { r: onTake } : {});
  const words = writing ? [] : keptWords(loop);
  if (!viewing && !words.length) return null;
  return (
    <>
      <div role="status">
        {viewing && viewing.others.length > 0 && (
          <p class="viewers small" data-viewers>
            <span class="dim">{t("viewersAlso")}</span>
            {viewing.others.map((other) => (
              <span key={other.name} class="viewer" data-viewer={other.name}>
                <b>{other.name}</b> · {roleWords(other.role)}
                {(other.unit || other.area) && ` · ${other.unit ?? areaWords(other.area)}`}
                <span class="dim"> · {t("viewersSince", { time: clock(other.since) })}</span>
                {other.writing && <em> · {t("viewersWriting")}</em>}
              </span>
            ))}
          </p>
        )}
        {moved && (
          <div class="notice" data-moved>
            <span>
              {t("viewersMoved", {
                who: whoMoved(viewing),
                act: wordFor("act", viewing.newest.act) ?? viewing.newest.act,
                stage: say(viewing.stage_title),
                time: clock(viewing.newest.at),
              })}
              {writing && ` ${t("viewersTypedStays")}`}
            </span>
            <button class="button" type="button" onClick={onTake}>
              {t("viewersTake")} <kbd>R</kbd>
            </button>
          </div>
        )}
      </div>
      {words.length > 0 && (
        <details class="kept-words" open data-kept>
          <summary>{t("viewersKept")}</summary>
          {words.map(({ title, text }) => (
            <p key={title}>
              <span class="dim">{title}</span> {text}
            </p>
          ))}
        </details>
      )}
    </>
  );
}
