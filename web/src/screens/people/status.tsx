// The status, now or at a past moment, why it is what it is, and the evidence that it follows from.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Answer } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { dayAndClock } from "../../format.ts";
import { askCityTime, cityOffset } from "../../parts/city-clock.ts";
import { ColorChip } from "../../parts/color-chip.tsx";
import { problemWords, Waiting, type Loaded } from "../../parts/load.tsx";
import { follow } from "../../router.ts";
import { say } from "../loops/definitions.ts";
import { refusalWords } from "../loops/words.ts";
import {
  detailOfPiece,
  ignoredWords,
  kindOfPiece,
  reasonCodeWords,
  type Piece,
  type Status,
} from "./words.tsx";

// ---- The status

function Moment(props: { at: string; onAt(at: string): void }): JSX.Element {
  const { at, onAt } = props;
  const [text, setText] = useState(at.slice(0, 16));
  async function look(): Promise<void> {
    if (!text) return onAt("");
    await askCityTime().catch(() => {});
    onAt(`${text}:00${cityOffset()}`);
  }
  return (
    <form
      class="moment-form"
      onSubmit={(event) => {
        event.preventDefault();
        void look();
      }}
    >
      <label for="status-at">{t("momentLabel")}</label>
      <input
        id="status-at"
        type="datetime-local"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <button class="button slim" type="submit" disabled={!text}>
        {t("momentLook")}
      </button>
      {at && (
        <button
          class="button slim"
          type="button"
          onClick={() => {
            setText("");
            onAt("");
          }}
        >
          {t("momentNow")}
        </button>
      )}
    </form>
  );
}

interface NowProps {
  status: Loaded<Status>;
  at: string;
  onAt(at: string): void;
}

export function StatusNow({ status, at, onAt }: NowProps): JSX.Element {
  const value = status.value;
  return (
    <section class="status-now" aria-labelledby="status-title">
      <h2 id="status-title">
        {at ? t("statusThen", { time: dayAndClock(at) }) : t("statusNow")}
      </h2>
      {at && (
        <p class="notice status-past-note" role="status">
          {t("statusPastNote", { time: dayAndClock(at) })}
        </p>
      )}
      {!value && status.problem && (
        <p class="notice bad" role="alert">
          {status.problem.status === 400 ? refusalWords(status.problem) : problemWords(status.problem)}
        </p>
      )}
      {!value && !status.problem && (
        <p class="dim" role="status">
          {t("loading")}…
        </p>
      )}
      {value && (
        <div class="status-line" data-color={value.color}>
          <ColorChip color={value.color} />
          <dl class="facts">
            <div>
              <dt>{t("statusSince")}</dt>
              <dd>{value.since ? dayAndClock(value.since) : t("statusAlways")}</dd>
            </div>
            <div>
              <dt>{t("statusUntil")}</dt>
              <dd>{value.until ? dayAndClock(value.until) : t("statusOpenEnd")}</dd>
            </div>
            <div>
              <dt>{t("statusNegative")}</dt>
              <dd>
                {value.last_negative_at ? dayAndClock(value.last_negative_at) : t("statusNoNegative")}
              </dd>
            </div>
          </dl>
          <span class="quiet">
            {t("statusTrueFor", { time: dayAndClock(value.at), rules: value.rules_version })}
          </span>
        </div>
      )}
      <Moment at={at} onAt={onAt} />
    </section>
  );
}

// ---- Why

const pieceWords = (piece: Piece): string =>
  [kindOfPiece(piece.kind), detailOfPiece(piece.detail)].filter(Boolean).join(" · ");

/** What a case's piece speaks of, where the reader may open it. */
function CaseLink({ piece }: { piece: Piece | undefined }): JSX.Element | null {
  if (!piece?.case) return null;
  return (
    <>
      {" "}
      <a href={`/cases/${piece.case}`} onClick={follow} data-case={piece.case}>
        {t("caseNumber", { id: piece.case })}
      </a>
    </>
  );
}

/** A piece in a sentence: what, when, how it came to be. */
function PieceLine({ piece, id }: { piece: Piece | undefined; id: number }): JSX.Element {
  if (!piece) return <span class="quiet">{t("pieceNumber", { id })}</span>;
  return (
    <span class="small dim">
      {t("pieceLine", {
        id,
        what: pieceWords(piece),
        time: dayAndClock(piece.at),
        recorded: dayAndClock(piece.recorded_at),
      })}
      <CaseLink piece={piece} />
    </span>
  );
}

interface WhyProps {
  status: Status;
  pieces: readonly Piece[];
  seesEvidence: boolean;
}

export function Why({ status, pieces, seesEvidence }: WhyProps): JSX.Element {
  const pieceOf = (id: number): Piece | undefined => pieces.find((piece) => piece.id === id);
  return (
    <section aria-labelledby="why-title" data-why>
      <h2 id="why-title">{t("whyTitle")}</h2>
      {!seesEvidence && <p class="dim small">{t("whyHidden")}</p>}
      {seesEvidence && !status.reasons.length && <p>{t("whyNone")}</p>}
      {status.reasons.length > 0 && (
        <ul class="reasons">
          {status.reasons.map((reason, i) => (
            <li key={i}>
              <b>{say(reason.words)}</b>
              <PieceLine piece={pieceOf(reason.evidence)} id={reason.evidence} />
              <span class="quiet">{t("ruleName", { rule: reason.rule })}</span>
            </li>
          ))}
        </ul>
      )}
      {status.ignored.length > 0 && (
        <>
          <h3>{t("ignoredTitle")}</h3>
          <ul class="reasons left-aside">
            {status.ignored.map((one, i) => (
              <li key={i}>
                <b>{ignoredWords(one.reason)}</b>
                <PieceLine piece={pieceOf(one.evidence)} id={one.evidence} />
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

// ---- Evidence

/** What a piece does to the status of the moment that is shown. */
function bearing(piece: Piece, status: Status, pieces: readonly Piece[]): string {
  if (piece.recorded_at > status.at) return t("pieceLater");
  const annulled = pieces.find((one) => one.kind === "annul" && one.of === piece.id);
  if (annulled && annulled.recorded_at <= status.at) return t("pieceAnnulled", { id: annulled.id });
  if (status.ignored.some((one) => one.evidence === piece.id)) return t("pieceIgnored");
  if (status.reasons.some((one) => one.evidence === piece.id)) return t("pieceCounts");
  return t("pieceQuiet");
}

function by(piece: Piece): string {
  if (piece.kind !== "override") return piece.of ? t("pieceOf", { id: piece.of }) : "";
  return t("pieceHands", {
    reason: reasonCodeWords(piece.reason_code ?? ""),
    requester: piece.requester ?? "—",
    approvers: piece.approvers.join("、"),
  });
}

interface RowsProps {
  title: string;
  none: string;
  pieces: readonly Piece[];
  all: readonly Piece[];
  status: Status;
  tests: boolean;
}

function Pieces({ title, none, pieces, all, status, tests }: RowsProps): JSX.Element {
  return (
    <section>
      <h2>{title}</h2>
      {!pieces.length && <p class="dim small">{none}</p>}
      {pieces.length > 0 && (
        <div class="scroll-x" tabIndex={0} role="group" aria-label={title}>
          <table class="pieces">
            <thead>
              <tr>
                <th>{t("thNumber")}</th>
                <th>{t(tests ? "thResult" : "thPiece")}</th>
                <th>{t(tests ? "thSampledAt" : "thAt")}</th>
                <th>{t(tests ? "thReportedAt" : "thUntil")}</th>
                <th>{t("thRecorded")}</th>
                <th>{t("thBearing")}</th>
              </tr>
            </thead>
            <tbody>
              {pieces.map((piece) => (
                <tr key={piece.id} class={piece.recorded_at > status.at ? "later" : ""}>
                  <td>{piece.id}</td>
                  <td class="wrap">
                    {tests ? detailOfPiece(piece.detail) : pieceWords(piece)}
                    <CaseLink piece={piece} />
                    {tests && piece.tube_size !== null && (
                      <span class="quiet"> {t("tubeOf", { size: piece.tube_size })}</span>
                    )}
                    {by(piece) && <span class="quiet block">{by(piece)}</span>}
                  </td>
                  <td>{dayAndClock(piece.at)}</td>
                  <td>{dayAndClock(piece.until)}</td>
                  <td>{dayAndClock(piece.recorded_at)}</td>
                  <td>{bearing(piece, status, all)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

interface EvidenceProps {
  loaded: Loaded<Answer<"GET /api/v1/persons/{no}/evidence">>;
  status: Status;
}

export function Evidence({ loaded, status }: EvidenceProps): JSX.Element {
  if (!loaded.value) return <Waiting loaded={loaded} />;
  const all = loaded.value.items;
  const newestFirst = [...all].reverse();
  return (
    <>
      <Pieces
        title={t("evidenceTitle")}
        none={t("evidenceNone")}
        pieces={newestFirst.filter((piece) => piece.kind !== "pcr")}
        all={all}
        status={status}
        tests={false}
      />
      <Pieces
        title={t("testsTitle")}
        none={t("testsNone")}
        pieces={newestFirst.filter((piece) => piece.kind === "pcr")}
        all={all}
        status={status}
        tests
      />
    </>
  );
}
