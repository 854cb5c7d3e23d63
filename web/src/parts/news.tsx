// The counter in which arrivals wait. Its place is kept while nothing waits (the list's keys stand in
// it), so that a row does not move because the counter came.
import type { JSX } from "preact";
import { t } from "../catalogue.ts";
import { KeyHint } from "./keys.tsx";

interface Props {
  count: number;
  words: string;
  hint: string;
  /** Nothing arrives in the past. */
  past: boolean;
  onTake(): void;
}

export function News({ count, words, hint, past, onTake }: Props): JSX.Element {
  const keys = <KeyHint keys={["J", "K"]}>{t("keysMove")}</KeyHint>;
  if (past) return keys;
  return (
    <span class={`news-place${count ? " waits" : ""}`}>
      {keys}
      <button class="button slim news" type="button" title={hint} disabled={!count} onClick={onTake}>
        {words} <kbd>R</kbd>
      </button>
    </span>
  );
}
