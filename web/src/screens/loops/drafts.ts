// What was typed into the form of a step, until it was sent or put away: a loop that somebody else
// moved meanwhile is read anew, and the words are still there.
import { whenForgotten } from "../../parts/forget.ts";
import type { Draft } from "./form.tsx";

export interface Kept {
  /** The stage that the step leads to. */
  to: string;
  draft: Draft;
  note: string;
}

const keptMost = 50;
const drafts = new Map<number, Kept>();
whenForgotten(() => drafts.clear());

export function keepDraft(loop: number, kept: Kept): void {
  drafts.delete(loop);
  drafts.set(loop, kept);
  const [oldest] = drafts.keys();
  if (drafts.size > keptMost && oldest !== undefined) drafts.delete(oldest);
}

export const keptDraft = (loop: number): Kept | null => drafts.get(loop) ?? null;
export const dropDraft = (loop: number): void => void drafts.delete(loop);
