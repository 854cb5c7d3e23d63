// Reading from the server: what is shown while it loads, and what when it fails. A value that was
// read once stays when a later reading fails; the failure is told beside it.
import type { JSX } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { asProblem, Problem } from "../api/client.ts";
import { whenAnswered } from "../api/moments.ts";
import { t } from "../catalogue.ts";

export interface Loaded<T> {
  value: T | null;
  problem: Problem | null;
  reload(): void;
}

/** What was not read because no server answered is read again by itself when one does. */
export function useReadAgain(problem: Problem | null, again: () => void): void {
  const latest = useRef(again);
  latest.current = again;
  const isUnanswered = problem?.status === 0 && problem.aim === "read";
  useEffect(
    () => (isUnanswered ? whenAnswered(() => latest.current()) : undefined),
    [isUnanswered],
  );
}

/** Reads when `key` changes, and again by itself where no server answered; a null key reads
 *  nothing. */
export function useLoad<T>(
  key: string | null,
  read: (signal: AbortSignal) => Promise<T>,
): Loaded<T> {
  const [kept, setKept] = useState<{
    key: string | null;
    value: T | null;
    problem: Problem | null;
  }>({ key: null, value: null, problem: null });
  const latest = useRef(read);
  latest.current = read;
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (key === null) return;
    const abort = new AbortController();
    latest.current(abort.signal).then(
      (value) => setKept({ key, value, problem: null }),
      (reason: unknown) => {
        if (abort.signal.aborted) return;
        const problem = asProblem(reason);
        setKept((old) => ({ key, value: old.key === key ? old.value : null, problem }));
      },
    );
    return () => abort.abort();
  }, [key, turn]);
  const reload = useCallback(() => setTurn((old) => old + 1), []);
  useReadAgain(kept.key === key ? kept.problem : null, reload);
  return kept.key === key ? { ...kept, reload } : { value: null, problem: null, reload };
}

/** Why nothing was read, or why nothing was done: an act is not told in the words of a list. */
export function problemWords(problem: Problem): string {
  const { status, aim } = problem;
  if (status === 404) return t("failedMissing");
  if (aim === "read") {
    if (status === 0) return t("failedOffline");
    if (status === 403) return t("failedForbidden");
    return t("failedOther", { words: problem.message });
  }
  if (status === 0) {
    if (aim === "log-in") return t("loginUnanswered");
    return t(aim === "same change" ? "actUnansweredSame" : "actUnanswered");
  }
  if (status === 403) return t("actForbidden");
  return t("actFailed", { words: problem.message });
}

/** Stands in place of what is not there (yet). */
export function Waiting({ loaded }: { loaded: Loaded<unknown> }): JSX.Element {
  if (!loaded.problem)
    return (
      <p class="page dim" role="status">
        {t("loading")}…
      </p>
    );
  return (
    <div class="page">
      <div class="notice bad" role="alert">
        <span>{problemWords(loaded.problem)}</span>
        <button class="button slim" type="button" onClick={loaded.reload}>
          {t("retry")}
        </button>
      </div>
    </div>
  );
}
