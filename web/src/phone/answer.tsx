// The answer of a scan, to be read at two metres: a shape, a word, a ground. A failure of a system is
// a check by hand, never red; a refusal is polite and says what comes next.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Answer } from "../api/client.ts";
import { t, type WordKey } from "../catalogue.ts";
import { dayAndClock } from "../format.ts";
import { settings } from "../settings.ts";
import { speak } from "./speech.ts";

export type ScanAnswer = Answer<"POST /api/v1/scans">;
/** `failed`: no answer came: nothing is known of the scan. */
export type Decision = ScanAnswer["decision"] | "failed";

const faces: Record<Decision, { word: WordKey; ground: string }> = {
  pass: { word: "scanPass", ground: "green" },
  check: { word: "scanCheck", ground: "unknown" },
  refuse: { word: "scanRefuse", ground: "red" },
  failed: { word: "scanCheck", ground: "unknown" },
};

function Shape({ decision }: { decision: Decision }): JSX.Element {
  return (
    <svg class="answer-shape" viewBox="0 0 64 64" aria-hidden="true">
      {decision === "pass" && (
        <>
          <circle cx="32" cy="32" r="30" fill="none" stroke="currentColor" stroke-width="4" />
          <path d="M17 33l11 11 20-23" fill="none" stroke="currentColor" stroke-width="7" />
        </>
      )}
      {decision === "refuse" && (
        <>
          <path
            d="M21 3h22l18 18v22L43 61H21L3 43V21z"
            fill="none"
            stroke="currentColor"
            stroke-width="4.5"
          />
          <path d="M16 32h32" stroke="currentColor" stroke-width="9" />
        </>
      )}
      {(decision === "check" || decision === "failed") && (
        <>
          <rect
            x="4"
            y="4"
            width="56"
            height="56"
            fill="none"
            stroke="currentColor"
            stroke-width="4"
            stroke-dasharray="9 6"
          />
          <path
            d="M22 25c0-13 20-13 20 0 0 9-10 8-10 17"
            fill="none"
            stroke="currentColor"
            stroke-width="6"
          />
          <circle cx="32" cy="50" r="3.6" fill="currentColor" />
        </>
      )}
    </svg>
  );
}

/** `children`: what can be done next; `failure`: other words where no answer came. */
export function AnswerScreen(props: {
  answer: ScanAnswer | null;
  venue: string;
  clock: string;
  companions: number;
  failure?: string;
  children: ComponentChildren;
}): JSX.Element {
  const { answer, venue, companions } = props;
  const decision: Decision = answer ? answer.decision : "failed";
  const face = faces[decision];
  const region = useRef<HTMLElement>(null);
  useEffect(() => {
    region.current?.focus();
    speak(decision === "failed" ? "check" : decision);
  }, [answer]);
  const lines = answer
    ? answer.reasons.map((reason) => reason.words[settings.language])
    : [props.failure ?? t("scanFailed")];
  if (decision === "pass" && answer?.last_negative_at)
    lines.push(t("meNegativeShort", { time: dayAndClock(answer.last_negative_at) }));
  if (decision === "refuse") lines.push(t("scanRefuseNext"));
  return (
    <main class="answer-page" data-decision={decision}>
      <div class="answer-head">
        <b>{venue}</b>
        <time>{props.clock}</time>
      </div>
      <section
        class={`answer ${face.ground} ${face.ground === "unknown" ? "hatched" : ""}`}
        role="alert"
        tabIndex={-1}
        ref={region}
      >
        <Shape decision={decision} />
        <p class={`answer-word ${settings.language} of-${t(face.word).length}`}>{t(face.word)}</p>
        {companions > 0 && decision === "pass" && (
          <p class="answer-more">{t("scanWith", { n: companions })}</p>
        )}
        {lines.map((line) => (
          <p key={line} class="answer-line">
            {line}
          </p>
        ))}
      </section>
      <p class="answer-kept">
        {answer ? t("scanKept", { time: props.clock.slice(0, 5) }) : t("scanNotKept")}
      </p>
      <div class="answer-acts">{props.children}</div>
    </main>
  );
}
