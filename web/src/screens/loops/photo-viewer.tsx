// Photos of a loop: small ones in the timeline, and one at a time in a dialog with who set it and
// when. Arrows go on, Esc goes back.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem, type Problem } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { dayAndClock } from "../../format.ts";
import { Icon } from "../../parts/icons.tsx";
import { problemWords } from "../../parts/load.tsx";
import { draw, readPhoto } from "./photo-file.ts";

/** A photo as the history names it. */
export interface Shot {
  digest: string;
  /** The title of its field; of one that came with a note, "a note". */
  what: string;
  by: string;
  at: string;
}

interface CanvasProps {
  label: string;
  read(): Promise<Blob>;
  box(): { width: number; height: number };
  /** Changes with the picture that is read. */
  digest: string;
  /** Whether it may offer to read again: never inside another button. */
  again?: boolean;
}

/** The picture, or why it is not there. */
export function PhotoCanvas({ label, read, box, digest, again }: CanvasProps): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [state, setState] = useState<"waits" | "there" | Problem>("waits");
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let here = true;
    setState("waits");
    read()
      .then((photo) => (here && canvas.current ? draw(canvas.current, photo, box()) : undefined))
      .then(
        () => here && setState("there"),
        (reason: unknown) => here && setState(asProblem(reason)),
      );
    return () => {
      here = false;
    };
  }, [digest, turn]);
  return (
    <>
      <canvas
        ref={canvas}
        role="img"
        aria-label={label}
        data-photo={state === "there" ? "there" : "waits"}
        hidden={state !== "there"}
      />
      {state === "waits" && <span class="quiet">{t("loading")}…</span>}
      {typeof state === "object" && (
        <span class="photo-failed small">
          <Icon name={state.status === 404 ? "lock" : "unknown"} />{" "}
          {state.status === 404 ? t("photoNotYours") : problemWords(state)}
          {again && state.status !== 404 && (
            <button class="button slim" type="button" onClick={() => setTurn(turn + 1)}>
              {t("retry")}
            </button>
          )}
        </span>
      )}
    </>
  );
}

const thumbBox = (): { width: number; height: number } => ({ width: 144, height: 96 });

interface ThumbProps {
  shot: Shot;
  onOpen(): void;
}

/** Read when it comes into view: each look is on record, so none is taken for what nobody sees. */
function Thumb({ shot, onOpen }: ThumbProps): JSX.Element {
  const place = useRef<HTMLButtonElement>(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const node = place.current;
    if (!node || seen) return;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
    });
    observer.observe(node);
    return () => observer.disconnect();
  }, [seen]);
  const label = t("photoOf", { what: shot.what, name: shot.by, time: dayAndClock(shot.at) });
  return (
    <button
      ref={place}
      class="thumb"
      type="button"
      data-digest={shot.digest}
      aria-label={t("photoOpen", { photo: label })}
      onClick={onOpen}
    >
      {seen && (
        <PhotoCanvas
          label={label}
          digest={shot.digest}
          read={() => readPhoto(shot.digest)}
          box={thumbBox}
        />
      )}
    </button>
  );
}

export function Thumbs(props: { shots: readonly Shot[]; onOpen(digest: string): void }): JSX.Element {
  return (
    <span class="thumbs">
      {props.shots.map((shot) => (
        <Thumb key={shot.digest} shot={shot} onOpen={() => props.onOpen(shot.digest)} />
      ))}
    </span>
  );
}

interface ViewerProps {
  shots: readonly Shot[];
  digest: string;
  onChoose(digest: string): void;
  onClose(): void;
}

export function Viewer({ shots, digest, onChoose, onClose }: ViewerProps): JSX.Element | null {
  const dialog = useRef<HTMLDialogElement>(null);
  const at = shots.findIndex((shot) => shot.digest === digest);
  const shot = shots[at];
  const open = shot !== undefined;
  useEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal();
  }, [open]);
  if (!shot) return null;
  const go = (step: number): void => {
    const next = shots[at + step];
    if (next) onChoose(next.digest);
  };
  const close = (): void => dialog.current?.close(); // gives the focus back to what opened it
  const keys: Record<string, () => void> = {
    Escape: close,
    ArrowLeft: () => go(-1),
    ArrowRight: () => go(1),
    Home: () => go(-at),
    End: () => go(shots.length - 1 - at),
  };
  const label = t("photoOf", { what: shot.what, name: shot.by, time: dayAndClock(shot.at) });
  return (
    <dialog
      ref={dialog}
      class="photo-viewer"
      aria-labelledby="photo-title"
      onClose={onClose}
      onKeyDown={(event) => {
        const act = keys[event.key];
        event.stopPropagation(); // the page's own keys wait behind it
        if (!act) return;
        event.preventDefault();
        act();
      }}
    >
      <header class="bar-line">
        <div>
          <h2 id="photo-title">{shot.what}</h2>
          <p class="small dim" aria-live="polite">
            {t("photoBy", { name: shot.by, time: dayAndClock(shot.at) })} ·{" "}
            {t("photoCount", { no: at + 1, count: shots.length })}
          </p>
        </div>
        <button class="button" type="button" autofocus onClick={close}>
          {t("close")} <kbd>Esc</kbd>
        </button>
      </header>
      <div class="photo-stage">
        <PhotoCanvas
          label={label}
          digest={shot.digest}
          read={() => readPhoto(shot.digest)}
          box={() => ({ width: innerWidth * 0.92 - 32, height: innerHeight * 0.92 - 150 })}
          again
        />
      </div>
      <footer class="bar-line">
        <button class="button" type="button" disabled={at === 0} onClick={() => go(-1)}>
          <kbd>←</kbd> {t("photoBefore")}
        </button>
        <button
          class="button"
          type="button"
          disabled={at === shots.length - 1}
          onClick={() => go(1)}
        >
          {t("photoNext")} <kbd>→</kbd>
        </button>
        <span class="quiet">{t("photoAudited")}</span>
      </footer>
    </dialog>
  );
}
