// What a page hears from the live stream beside its frame. It stands by itself, so that reading from
// the server (parts/load.tsx, the phone pages' too) takes no stream with it; where there is none,
// nothing is ever heard.

/** "viewers": somebody came, went or acted where this reader has a loop open. "back": the server
 *  answers again after it was away, so that what is shown may be old. "tick": every few seconds, also
 *  in a page that is hidden, whose own clocks the browser slows down. */
export type Moment = "viewers" | "back" | "tick";

const moments: Record<Moment, Set<() => void>> = {
  viewers: new Set(),
  back: new Set(),
  tick: new Set(),
};
let answers = false;

export function onLive(moment: Moment, act: () => void): () => void {
  moments[moment].add(act);
  return () => moments[moment].delete(act);
}

/** For who follows the stream (live.ts). */
export const tellMoment = (moment: Moment): void => moments[moment].forEach((act) => act());
export const tellAnswers = (reachable: boolean): void => void (answers = reachable);

/** For what was not read because no server answered: when one answers again, and every few seconds
 *  while one does, since a single answer may be lost on a line that holds. */
export function whenAnswered(act: () => void): () => void {
  const ends = [onLive("back", act), onLive("tick", () => answers && act())];
  return () => ends.forEach((end) => end());
}
