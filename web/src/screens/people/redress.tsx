// Overrides and appeals of a person. Nothing here sets a colour: an override is asked for by one and
// approved by others, an appeal is decided in words, an annulment is carried out by another hand. Who
// may do what is the server's to say; its refusal stands at the form.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { dayAndClock } from "../../format.ts";
import { useAct, type Act } from "../../parts/act.ts";
import { askCityTime, cityNowKnown, cityOffset } from "../../parts/city-clock.ts";
import { ColorChip, type Color } from "../../parts/color-chip.tsx";
import { Icon } from "../../parts/icons.tsx";
import { useLoad, Waiting } from "../../parts/load.tsx";
import { refusalWords } from "../loops/words.ts";
import type { Session } from "../login.tsx";
import { kindOfPiece, reasonCodeWords, type Piece, type Redress } from "./words.tsx";

type Override = Redress["overrides"][number];
type Appeal = Redress["appeals"][number];
type Terms = NonNullable<Redress["terms"]>;

interface ActProps {
  act: Act;
  /** Says what was done, and everything is read anew. */
  onDone(words: string): void;
}

function Refused({ act }: { act: Act }): JSX.Element | null {
  if (!act.problem) return null;
  return (
    <p class="notice bad" role="alert">
      {refusalWords(act.problem)}
    </p>
  );
}

function WordsField(props: { id: string; label: string; text: string; onText(text: string): void }): JSX.Element {
  return (
    <div class="form-field">
      <label for={props.id}>
        {props.label}
        <span class="must">{t("required")}</span>
      </label>
      <textarea
        id={props.id}
        rows={2}
        value={props.text}
        onInput={(event) => props.onText(event.currentTarget.value)}
      />
    </div>
  );
}

// ---- Asking for an override

/** "2022-04-14T14:30" of the city, some hours on. */
function cityText(hoursOn: number): string {
  const sign = cityOffset().startsWith("-") ? -1 : 1;
  const [hours, minutes] = cityOffset().slice(1).split(":").map(Number) as [number, number];
  const shift = sign * (hours * 60 + minutes) * 60;
  return new Date((cityNowKnown() + shift + hoursOn * 3600) * 1000).toISOString().slice(0, 16);
}

function AskForm(props: { no: number; purpose: string; color: Color; terms: Terms } & ActProps): JSX.Element {
  const { no, purpose, color, terms, act, onDone } = props;
  const lower = color === "red" ? ["yellow", "green"] : ["green"];
  const [to, setTo] = useState("");
  const [from, setFrom] = useState(() => cityText(0));
  const [expires, setExpires] = useState(() => cityText(24));
  const [reason, setReason] = useState("");
  const [words, setWords] = useState("");
  const ready = to && from && expires && reason && words.trim();
  const ask = (): Promise<void> =>
    act.run(async () => {
      const answer = await call("POST /api/v1/persons/{no}/overrides", {
        path: { no },
        purpose,
        body: {
          color: to as "yellow" | "green",
          from: `${from}:00${cityOffset()}`,
          expires: `${expires}:00${cityOffset()}`,
          reason_code: reason,
          words: words.trim(),
        },
      });
      onDone(t("overrideAsked", { id: answer.id, missing: answer.missing }));
    });
  return (
    <form
      class="redress-form"
      aria-label={t("overrideAsk")}
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) void ask();
      }}
    >
      <p class="small dim">
        {t("overrideTerms", { approvers: terms.approvers, days: terms.days_max })}
      </p>
      <fieldset class="choices">
        <legend>{t("overrideTo")}</legend>
        {lower.map((one) => (
          <label key={one}>
            <input
              type="radio"
              name="override-to"
              value={one}
              checked={to === one}
              onChange={() => setTo(one)}
            />
            <ColorChip color={one as Color} />
          </label>
        ))}
      </fieldset>
      <div class="form-pair">
        <div class="form-field">
          <label for="override-from">{t("overrideFrom")}</label>
          <input
            id="override-from"
            type="datetime-local"
            value={from}
            onInput={(event) => setFrom(event.currentTarget.value)}
          />
        </div>
        <div class="form-field">
          <label for="override-expires">{t("overrideExpires")}</label>
          <input
            id="override-expires"
            type="datetime-local"
            value={expires}
            onInput={(event) => setExpires(event.currentTarget.value)}
          />
        </div>
      </div>
      <div class="form-field">
        <label for="override-reason">{t("overrideReason")}</label>
        <select
          id="override-reason"
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        >
          <option value="">{t("choose")}</option>
          {terms.reason_codes.map((code) => (
            <option key={code} value={code}>
              {reasonCodeWords(code)}
            </option>
          ))}
        </select>
      </div>
      <WordsField id="override-words" label={t("overrideWords")} text={words} onText={setWords} />
      <Refused act={act} />
      <button class="button main" type="submit" disabled={!ready || act.busy}>
        {t("overrideAskAct")}
      </button>
    </form>
  );
}

function Ask(props: { no: number; purpose: string; color: Color; terms: Terms; onDone(words: string): void }): JSX.Element {
  const [open, setOpen] = useState(false);
  const act = useAct();
  const clock = useLoad(open ? "city-time" : null, () => askCityTime().then(() => true));
  if (!open)
    return (
      <p>
        <button class="button slim" type="button" onClick={() => setOpen(true)}>
          {t("overrideAsk")}
        </button>
      </p>
    );
  if (!clock.value) return <Waiting loaded={clock} />;
  return <AskForm {...props} act={act} />;
}

// ---- Deciding about one

export function DecideOverride(props: { id: number; onDone(words: string): void }): JSX.Element {
  const { id, onDone } = props;
  const [choice, setChoice] = useState<"" | "approve" | "refuse">("");
  const [words, setWords] = useState("");
  const act = useAct();
  const ready = choice === "approve" || (choice === "refuse" && words.trim());
  const decide = (): Promise<void> =>
    act.run(async () => {
      const path = { id };
      if (choice === "approve") {
        const answer = await call("POST /api/v1/overrides/{id}/approve", { path });
        onDone(
          answer.state === "approved"
            ? t("overrideInForce", { id })
            : t("overrideApprovedOnce", { id, missing: answer.missing }),
        );
      } else {
        await call("POST /api/v1/overrides/{id}/refuse", { path, body: { words: words.trim() } });
        onDone(t("overrideWasRefused", { id }));
      }
    });
  const choices = ["approve", "refuse"] as const;
  return (
    <form
      class="redress-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) void decide();
      }}
    >
      <fieldset class="choices">
        <legend>{t("overrideDecide")}</legend>
        {choices.map((one) => (
          <label key={one}>
            <input
              type="radio"
              name={`override-${id}`}
              value={one}
              checked={choice === one}
              onChange={() => setChoice(one)}
            />
            {t(one === "approve" ? "overrideApprove" : "overrideRefuse")}
          </label>
        ))}
      </fieldset>
      {choice === "refuse" && (
        <WordsField
          id={`override-words-${id}`}
          label={t("refuseWords")}
          text={words}
          onText={setWords}
        />
      )}
      <Refused act={act} />
      <button class="button slim" type="submit" disabled={!ready || act.busy}>
        {t("decideAct")}
      </button>
    </form>
  );
}

function OverrideItem(props: {
  override: Override;
  approvers: number;
  decides: boolean;
  onDone(words: string): void;
}): JSX.Element {
  const { override, approvers, decides, onDone } = props;
  return (
    <li data-override={override.id}>
      <p class="bar-line">
        <b>{t("overrideNumber", { id: override.id })}</b>
        <ColorChip color={override.to} />
        <span>
          {t("span", { from: dayAndClock(override.from), until: dayAndClock(override.expires) })}
        </span>
        <span class="chip">
          {override.state === "open"
            ? t("overrideOpen", { approvals: override.approvals, approvers })
            : t(override.state === "approved" ? "overrideApproved" : "overrideRefused")}
        </span>
      </p>
      <p class="small">
        {reasonCodeWords(override.reason_code)}：“{override.words}”
      </p>
      <p class="small dim">
        {t("overrideBy", { name: override.requester, time: dayAndClock(override.requested_at) })}
      </p>
      {override.decisions.map((one, i) => (
        <p key={i} class="small dim">
          {t(one.approves ? "approvedBy" : "refusedBy", {
            name: one.name,
            time: dayAndClock(one.decided_at),
          })}
          {one.words && ` “${one.words}”`}
        </p>
      ))}
      {decides && override.state === "open" && (
        <DecideOverride key={override.approvals} id={override.id} onDone={onDone} />
      )}
    </li>
  );
}

// ---- Appeals

function DecideAppeal(props: {
  appeal: Appeal;
  pieces: readonly Piece[];
  onDone(words: string): void;
}): JSX.Element {
  const { appeal, pieces, onDone } = props;
  const [decision, setDecision] = useState<"" | "granted" | "rejected">("");
  const [follows, setFollows] = useState<"" | "annul" | "override">("");
  const [of, setOf] = useState(appeal.about ? String(appeal.about) : "");
  const [words, setWords] = useState("");
  const act = useAct();
  const complete =
    decision === "rejected" ||
    (decision === "granted" && (follows === "override" || (follows === "annul" && of)));
  const ready = complete && words.trim();
  const decide = (): Promise<void> =>
    act.run(async () => {
      await call("POST /api/v1/appeals/{id}/decision", {
        path: { id: appeal.id },
        body: {
          decision: decision as "granted" | "rejected",
          words: words.trim(),
          ...(decision === "granted" && follows && { follows }),
          ...(decision === "granted" && follows === "annul" && { of: Number(of) }),
        },
      });
      onDone(t("appealDecided", { id: appeal.id }));
    });
  return (
    <form
      class="redress-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) void decide();
      }}
    >
      <fieldset class="choices">
        <legend>{t("appealDecide")}</legend>
        {(["granted", "rejected"] as const).map((one) => (
          <label key={one}>
            <input
              type="radio"
              name={`appeal-${appeal.id}`}
              value={one}
              checked={decision === one}
              onChange={() => setDecision(one)}
            />
            {t(one === "granted" ? "appealGrant" : "appealReject")}
          </label>
        ))}
      </fieldset>
      {decision === "granted" && (
        <fieldset class="choices">
          <legend>{t("appealFollows")}</legend>
          {(["annul", "override"] as const).map((one) => (
            <label key={one}>
              <input
                type="radio"
                name={`appeal-follows-${appeal.id}`}
                value={one}
                checked={follows === one}
                onChange={() => setFollows(one)}
              />
              {t(one === "annul" ? "appealAnnul" : "appealOverride")}
            </label>
          ))}
        </fieldset>
      )}
      {decision === "granted" && follows === "annul" && (
        <div class="form-field">
          <label for={`appeal-of-${appeal.id}`}>{t("appealOf")}</label>
          <select
            id={`appeal-of-${appeal.id}`}
            value={of}
            onChange={(event) => setOf(event.currentTarget.value)}
          >
            <option value="">{t("choose")}</option>
            {pieces.map((piece) => (
              <option key={piece.id} value={piece.id}>
                {t("pieceChoice", {
                  id: piece.id,
                  what: kindOfPiece(piece.kind),
                  time: dayAndClock(piece.at),
                })}
              </option>
            ))}
          </select>
        </div>
      )}
      <WordsField
        id={`appeal-words-${appeal.id}`}
        label={t("appealDecisionWords")}
        text={words}
        onText={setWords}
      />
      <Refused act={act} />
      <button class="button slim" type="submit" disabled={!ready || act.busy}>
        {t("decideAct")}
      </button>
    </form>
  );
}

function Annul({ appeal, onDone }: { appeal: Appeal; onDone(words: string): void }): JSX.Element {
  const act = useAct();
  return (
    <div class="redress-form">
      <p class="small dim">{t("annulNote", { id: appeal.follows_of ?? "—" })}</p>
      <Refused act={act} />
      <button
        class="button slim"
        type="button"
        disabled={act.busy}
        onClick={() =>
          void act.run(async () => {
            await call("POST /api/v1/appeals/{id}/annulment", { path: { id: appeal.id } });
            onDone(t("annulDone", { id: appeal.id }));
          })
        }
      >
        {t("annulAct", { id: appeal.follows_of ?? "—" })}
      </button>
    </div>
  );
}

function followWords(appeal: Appeal): string {
  if (!appeal.follows) return "";
  if (appeal.followed_by) return t("appealFollowed", { id: appeal.followed_by });
  return t(appeal.follows === "annul" ? "appealWaitsAnnul" : "appealWaitsOverride", {
    id: appeal.follows_of ?? "—",
  });
}

function AppealItem(props: {
  appeal: Appeal;
  pieces: readonly Piece[];
  session: Session;
  past: boolean;
  onDone(words: string): void;
}): JSX.Element {
  const { appeal, pieces, session, past, onDone } = props;
  const may = (permission: string): boolean => !past && session.permissions.includes(permission);
  const annuls = appeal.follows === "annul" && !appeal.followed_by;
  return (
    <li data-appeal={appeal.id}>
      <p class="bar-line">
        <b>{t("appealNumber", { id: appeal.id })}</b>
        <span class={`chip${appeal.overdue ? " red" : ""}`}>
          {appeal.overdue && <Icon name="late" />}
          {appeal.overdue
            ? t("appealOverdue")
            : t(
                appeal.state === "open"
                  ? "appealOpen"
                  : appeal.state === "granted"
                    ? "appealGranted"
                    : "appealRejected",
              )}
        </span>
        <span class="small dim">
          {t("appealTimes", { filed: dayAndClock(appeal.filed_at), due: dayAndClock(appeal.due_at) })}
        </span>
      </p>
      <p class="small">
        {appeal.words === null ? <span class="quiet">{t("appealWordsHidden")}</span> : `“${appeal.words}”`}
      </p>
      {appeal.about !== null && <p class="small dim">{t("appealAbout", { id: appeal.about })}</p>}
      {appeal.decision_words && (
        <p class="small">
          {t("appealAnswer", { time: dayAndClock(appeal.decided_at) })}“{appeal.decision_words}”
        </p>
      )}
      {followWords(appeal) && <p class="small dim">{followWords(appeal)}</p>}
      {may("appeal.decide") && appeal.state === "open" && (
        <DecideAppeal appeal={appeal} pieces={pieces} onDone={onDone} />
      )}
      {may("evidence.write") && appeal.state === "granted" && annuls && (
        <Annul appeal={appeal} onDone={onDone} />
      )}
    </li>
  );
}

// ---- Both

interface Props {
  no: number;
  purpose: string;
  session: Session;
  /** A past moment is in view: nothing is done there. */
  past: boolean;
  color: Color | null;
  pieces: readonly Piece[];
  onChange(): void;
}

export function RedressPart(props: Props): JSX.Element {
  const { no, purpose, session, past, color, pieces, onChange } = props;
  const loaded = useLoad(`redress-${no}`, (signal) =>
    call("GET /api/v1/persons/{no}/redress", { path: { no }, purpose, signal }),
  );
  const [said, setSaid] = useState("");
  const [turn, setTurn] = useState(0);
  const done = (words: string): void => {
    setSaid(words);
    setTurn(turn + 1);
    loaded.reload();
    onChange();
  };
  const value = loaded.value;
  const may = (permission: string): boolean => !past && session.permissions.includes(permission);
  const lowers = color === "red" || color === "yellow";
  return (
    <>
      <section aria-labelledby="overrides-title">
        <h2 id="overrides-title">{t("overridesTitle")}</h2>
        {said && (
          <p class="notice good" role="status">
            {said}
          </p>
        )}
        {!value && <Waiting loaded={loaded} />}
        {value && !value.overrides.length && <p class="dim small">{t("overridesNone")}</p>}
        <ul class="redress">
          {value?.overrides.map((override) => (
            <OverrideItem
              key={override.id}
              override={override}
              approvers={value.terms?.approvers ?? 0}
              decides={may("override.approve")}
              onDone={done}
            />
          ))}
        </ul>
        {may("override.request") && value?.terms && lowers && (
          <Ask key={turn} no={no} purpose={purpose} color={color} terms={value.terms} onDone={done} />
        )}
        {may("override.request") && value && color === "green" && (
          <p class="quiet">{t("overrideNothing")}</p>
        )}
      </section>
      <section aria-labelledby="appeals-title">
        <h2 id="appeals-title">{t("appealsTitle")}</h2>
        {value && !value.appeals.length && <p class="dim small">{t("appealsNone")}</p>}
        <ul class="redress">
          {value?.appeals.map((appeal) => (
            <AppealItem
              key={appeal.id}
              appeal={appeal}
              pieces={pieces}
              session={session}
              past={past}
              onDone={done}
            />
          ))}
        </ul>
      </section>
    </>
  );
}
