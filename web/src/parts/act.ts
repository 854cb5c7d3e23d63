// One act at a time: whether it is on its way, and why the last one was refused.
import { useState } from "preact/hooks";
import { asProblem, type Problem } from "../api/client.ts";

export interface Act {
  busy: boolean;
  problem: Problem | null;
  run(act: () => Promise<void>): Promise<void>;
}

export function useAct(): Act {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  return {
    busy,
    problem,
    run: async (act) => {
      if (busy) return;
      setBusy(true);
      setProblem(null);
      try {
        await act();
      } catch (reason) {
        setProblem(asProblem(reason));
      } finally {
        setBusy(false);
      }
    },
  };
}
