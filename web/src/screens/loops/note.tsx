// Words and photos for the history, between two steps: nothing moves.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem, call, type Problem } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { focusRefused, NoteControl } from "./form.tsx";
import { PhotoControl } from "./photo-control.tsx";
import { reasonWords, refusalWords, type Loop } from "./words.ts";

const photosMax = 8; // of one note, as the interface has it

interface Props {
  loop: Loop;
  onDone(words: string): void;
}

export function NoteForm({ loop, onDone }: Props): JSX.Element {
  const [open, setOpen] = useState(false);
  const [note, setNote] = useState("");
  const [photos, setPhotos] = useState("");
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const details = useRef<HTMLDetailsElement>(null);
  const errorOf = (field: string) => problem?.errors.find((error) => error.field === field);
  const photoError = errorOf("photos");
  useEffect(() => {
    if (problem) focusRefused(form.current);
  }, [problem]);

  async function add(): Promise<void> {
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      const digests = photos.split("\n").filter(Boolean);
      await call("POST /api/v1/loops/{id}/note", {
        path: { id: loop.id },
        body: { ...(note.trim() && { note }), ...(digests.length > 0 && { photos: digests }) },
      });
      setOpen(false);
      setNote("");
      setPhotos("");
      details.current?.querySelector("summary")?.focus();
      onDone(t("noteDone"));
    } catch (reason) {
      setProblem(asProblem(reason));
    } finally {
      setBusy(false);
    }
  }
  return (
    <details
      ref={details}
      class="note-form"
      open={open}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>{t("noteTitle")}</summary>
      {open && (
        <form
          ref={form}
          class="step-form"
          noValidate
          aria-label={t("noteTitle")}
          onSubmit={(event) => {
            event.preventDefault();
            void add();
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              void add();
            } else if (event.key === "Escape") {
              event.preventDefault();
              event.stopPropagation();
              setOpen(false);
            }
          }}
        >
          {problem && !errorOf("note") && !photoError && (
            <p class="notice bad" role="alert">
              {refusalWords(problem)}
            </p>
          )}
          <NoteControl
            id="note-words"
            text={note}
            required={false}
            error={errorOf("note")}
            onText={setNote}
          />
          <div class={`form-field${photoError ? " bad" : ""}`} data-field="photos">
            <span class="small">{t("notePhotos")}</span>
            <PhotoControl
              id="note-photos"
              name="photos"
              label={t("notePhotos")}
              most={photosMax}
              text={photos}
              describedBy={photoError && "note-photos-error"}
              invalid={Boolean(photoError)}
              required={false}
              onText={setPhotos}
            />
            {photoError && (
              <span class="error" id="note-photos-error" role="alert">
                {reasonWords(photoError.reason)}
              </span>
            )}
          </div>
          <div class="bar-line">
            <button class="button main" type="submit" disabled={busy}>
              {t("noteAct")} <kbd>Ctrl Enter</kbd>
            </button>
            <span class="quiet">{t("noteHint")}</span>
          </div>
        </form>
      )}
    </details>
  );
}
