// Reading from the server: what is shown while it loads, and what when it fails. A value that was
// read once stays when a later reading fails; the failure is told beside it.
import type { JSX } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "../api/client.ts";
import { t } from "../catalogue.ts";

export interface Loaded<T> {
  value: T | null;
  problem: Problem | null;
  reload(): void;
}

/** Reads when `key` changes; a null key reads nothing. */
export function useLoad<T>(key: string | null, read: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [kept, setKept] = useState<{ key: string | null; value: T | null; problem: Problem | null }>(
    { key: null, value: null, problem: null });
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
        const problem = reason instanceof Problem ? reason : new Problem(-1, "", String(reason));
        setKept((old) => ({ key, value: old.key === key ? old.value : null, problem }));
      });
    return () => abort.abort();
  }, [key, turn]);
  const reload = useCallback(() => setTurn((old) => old + 1), []);
  return kept.key === key ? { ...kept, reload } : { value: null, problem: null, reload };
}

export function problemWords(problem: Problem): string {
  if (problem.status === 0) return t("failedOffline");
  if (problem.status === 403) return t("failedForbidden");
  if (problem.status === 404) return t("failedMissing");
  return t("failedOther", { words: problem.message });
}

/** Stands in place of what is not there (yet). */
export function Waiting({ loaded }: { loaded: Loaded<unknown> }): JSX.Element {
  if (!loaded.problem) return <p class="page dim" role="status">{t("loading")}…</p>;
  return (
    <div class="page">
      <div class="notice bad" role="alert">
        <span>{problemWords(loaded.problem)}</span>
        <button class="button slim" type="button" onClick={loaded.reload}>{t("retry")}</button>
      </div>
    </div>
  );
}
