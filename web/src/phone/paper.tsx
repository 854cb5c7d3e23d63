// The code on paper, for someone without a phone: shown here and printed from here.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { asProblem, call } from "../api/client.ts";
import { t } from "../catalogue.ts";
import { dayAndClock } from "../format.ts";
import { problemWords } from "../parts/load.tsx";
import { CodePicture } from "./code-picture.tsx";
import { Alert } from "./frame.tsx";
import type { OwnCode } from "./own-code.ts";

export function PaperCode({ member }: { member: number | null }): JSX.Element {
  const [paper, setPaper] = useState<OwnCode | null>(null);
  const [wrong, setWrong] = useState("");
  async function make(): Promise<void> {
    setWrong("");
    try {
      const query = member === null ? { form: "paper" } : { form: "paper", member };
      setPaper(await call("GET /api/v1/me/code", { query }));
    } catch (reason) {
      setWrong(problemWords(asProblem(reason)));
    }
  }
  return (
    <details class="phone-more paper">
      <summary>{t("paperTitle")}</summary>
      <p class="dim">{t("paperMeans")}</p>
      <Alert words={wrong} />
      {paper ? (
        <div class="paper-sheet">
          <CodePicture text={paper.code} words={t("paperPicture")} />
          <p class="paper-until">{t("paperUntil", { time: dayAndClock(paper.valid_until) })}</p>
          <p class="paper-text">{paper.code}</p>
          <button class="button" type="button" onClick={() => print()}>
            {t("paperPrint")}
          </button>
        </div>
      ) : (
        <button class="button" type="button" onClick={() => void make()}>
          {t("paperAct")}
        </button>
      )}
    </details>
  );
}
