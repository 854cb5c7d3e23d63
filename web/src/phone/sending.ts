// Sending a scan on a network that may fail for a moment: the same request (its key says so) is sent
// again by itself a few times, within what somebody at a door is ready to wait.
import { asProblem, call, type Answer, type Problem } from "../api/client.ts";
import type { Operations } from "../api/schema.ts";

const patienceMilliseconds = 10_000;
const pauseMilliseconds = 700;
/** Many behind one address may have asked at once: a place comes free within a second. */
const turnMilliseconds = 1200;
const tooMany = 429;
const triesMost = 3;

/** How long anything that belongs to one scan may take. */
export const patience = (): AbortSignal => AbortSignal.timeout(patienceMilliseconds);

/** Nothing is known of it: no answer came, the server failed, or asked to come again. */
export const isUnanswered = ({ status }: Problem): boolean =>
  status <= 0 || status >= 500 || status === tooMany;

/** Asks a few times. May throw a Problem: the last one, where no try was answered. */
export async function patiently<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries++)
    try {
      return await ask();
    } catch (reason) {
      const problem = asProblem(reason);
      const last = tries === triesMost || !navigator.onLine || signal.aborted;
      if (last || !isUnanswered(problem)) throw reason;
      const pause = problem.status === tooMany ? turnMilliseconds : pauseMilliseconds;
      await new Promise((done) => setTimeout(done, pause));
    }
}

export const sendScan = (
  key: string,
  body: NonNullable<Operations["POST /api/v1/scans"]["body"]>,
  signal: AbortSignal,
): Promise<Answer<"POST /api/v1/scans">> =>
  patiently(() => call("POST /api/v1/scans", { key, signal, body }), signal);
