// The level of an alert: a diamond that is fuller the higher it is, a colour, and a word.
import type { JSX } from "preact";
import { levelWords, type Level } from "./words.ts";

const shapes: Record<Level, string> = {
  red: "M8 .8 15.2 8 8 15.2.8 8zM7.1 4.2v5h1.8v-5zm0 6v1.7h1.8v-1.7z",
  orange: "M8 .8 15.2 8 8 15.2.8 8zM8 3.3 3.3 8 8 12.7z",
  yellow: "M8 .8 15.2 8 8 15.2.8 8zM8 3.3 3.3 8 8 12.7 12.7 8zM8 6l2 2-2 2-2-2z",
  blue: "M8 .8 15.2 8 8 15.2.8 8zM8 3.3 3.3 8 8 12.7 12.7 8z",
};

export function LevelChip({ level }: { level: Level }): JSX.Element {
  return (
    <span class={`chip level-${level}`} data-level={level}>
      <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
        <path fill-rule="evenodd" d={shapes[level]} />
      </svg>
      {levelWords(level)}
    </span>
  );
}
