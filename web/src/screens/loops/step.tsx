// What is next for a loop: the steps, who may do them, and the form of the one that is chosen.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem, call, type Answer, type Problem } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { dayAndClock } from "../../format.ts";
import { isWithin, say, stageWords, type Area, type Scene, type Words } from "./definitions.ts";
import { dropDraft, keepDraft, keptDraft } from "./drafts.ts";
import {
  draftOf,
  errorsElsewhere,
  FieldControls,
  focusRefused,
  NoteControl,
  valuesOf,
  type Draft,
} from "./form.tsx";
import type { Reader } from "./loop.tsx";
import { askWhoMoved } from "./viewers.tsx";
import { refusalWords, valueWords, type Loop } from "./words.ts";

export type Step = Loop["next"][number];
export type Outcome = Answer<"POST /api/v1/loops/{id}/advance">;

const listed = (words: readonly Words[]): string => words.map(say).join(t("listComma"));

/** What moves the step, in one line. */
function triggerWords(step: Step): string {
  if (step.trigger === "by") return t("stepBy", { who: listed(step.by) });
  if (step.trigger === "on") return t("stepOn", { event: step.on_title ? say(step.on_title) : (step.on ?? "") });
  return t("stepAfter", { time: dayAndClock(step.at ?? null) });
}

export function StepRow(props: {
  step: Step;
  index: number;
  scene: Scene | null;
  chosen: boolean;
  mayAct: boolean;
  onChoose(): void;
}): JSX.Element {
  const { step, index, scene, chosen, mayAct, onChoose } = props;
  const fields = step.require.map((name) => {
    const field = scene?.fields.find((one) => one.name === name);
    return field ? say(field.title) : name;
  });
  return (
    <li class={`step${chosen ? " chosen" : ""}`} data-step={step.to}>
      <div>
        <b>{stageWords(scene, step.to)}</b>
        <span class="small dim">{triggerWords(step)}</span>
        {step.when.length > 0 && (
          <span class="small dim">{t("stepWhen", { guards: listed(step.when) })}</span>
        )}
        {(fields.length > 0 || step.note) && (
          <span class="small dim">
            {t("stepNeeds", {
              fields: [...fields, ...(step.note ? [t("note")] : [])].join(t("listComma")),
            })}
          </span>
        )}
        {step.sign.length > 0 && (
          <span class="small dim">{t("stepSign", { who: listed(step.sign) })}</span>
        )}
      </div>
      {step.trigger === "by" &&
        (step.mine && mayAct ? (
          <button class="button" type="button" aria-pressed={chosen} onClick={onChoose}>
            {t("stepChoose")} {index <= 9 && <kbd>{index}</kbd>}
          </button>
        ) : (
          <span class="quiet">{t("stepNotYours")}</span>
        ))}
    </li>
  );
}

interface FormProps {
  loop: Loop;
  step: Step;
  scene: Scene;
  areas: readonly Area[];
  onDone(outcome: Outcome, to: string): void;
  onLeave(): void;
}

export function StepForm({ loop, step, scene, areas, onDone, onLeave }: FormProps): JSX.Element {
  const asked = step.require
    .map((name) => scene.fields.find((field) => field.name === name))
    .filter((field) => field !== undefined);
  const others = scene.fields.filter((field) => !step.require.includes(field.name));
  const kept = useRef(keptDraft(loop.id));
  const [draft, setDraft] = useState<Draft>(() => ({
    ...Object.fromEntries(
      asked.map((field) => [
        field.name,
        draftOf(field, loop.fields.find((one) => one.name === field.name)?.value),
      ]),
    ),
    ...kept.current?.draft,
  }));
  const [note, setNote] = useState(kept.current?.note ?? "");
  const type = (text: Draft, words: string): void => {
    setDraft(text);
    setNote(words);
    keepDraft(loop.id, { to: step.to, draft: text, note: words });
  };
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const more = useRef<HTMLDetailsElement>(null);
  const errors = problem?.errors ?? [];
  const noteError = errors.find((error) => error.field === "note");
  const elsewhere = errorsElsewhere(errors, [...scene.fields.map((one) => one.name), "note"]);

  useEffect(() => {
    // Never one inside the closed part: that takes no focus.
    const controls = ":is(input, select, textarea):not([disabled])";
    form.current
      ?.querySelector<HTMLElement>(
        `:scope > .form-fields ${controls}, :scope > .form-field ${controls}`,
      )
      ?.focus();
  }, []);
  useEffect(() => {
    if (!problem) return;
    if (more.current && others.some((field) => problem.fields.includes(field.name)))
      more.current.open = true;
    focusRefused(form.current);
  }, [problem]);

  function putAway(): void {
    dropDraft(loop.id);
    onLeave();
  }
  async function act(): Promise<void> {
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      const fields = valuesOf([...asked, ...others], draft);
      const outcome = await call("POST /api/v1/loops/{id}/advance", {
        path: { id: loop.id },
        body: {
          to: step.to,
          ...(Object.keys(fields).length && { fields }),
          ...(note.trim() && { note }),
        },
      });
      dropDraft(loop.id);
      onDone(outcome, step.to);
    } catch (reason) {
      setProblem(asProblem(reason));
      if (asProblem(reason).status === 409) askWhoMoved();
    } finally {
      setBusy(false);
    }
  }
  return (
    <form
      ref={form}
      class="step-form"
      noValidate
      aria-label={t("stepForm", { stage: stageWords(scene, step.to) })}
      onSubmit={(event) => {
        event.preventDefault();
        void act();
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          void act();
        } else if (event.key === "Escape") {
          event.preventDefault();
          event.stopPropagation();
          putAway();
        }
      }}
    >
      <h3>{t("stepForm", { stage: stageWords(scene, step.to) })}</h3>
      {problem && (!errors.length || elsewhere.length > 0) && (
        <p class="notice bad" role="alert">
          {refusalWords(problem)}
        </p>
      )}
      <div class="form-fields">
        <FieldControls
          prefix="step"
          fields={asked}
          required={step.require}
          areas={areas}
          draft={draft}
          errors={errors}
          onDraft={(text) => type(text, note)}
        />
      </div>
      {others.length > 0 && (
        <details ref={more}>
          <summary>{t("stepMore")}</summary>
          <div class="form-fields">
            <FieldControls
              prefix="step"
              fields={others}
              required={[]}
              areas={areas}
              draft={draft}
              errors={errors}
              onDraft={(text) => type(text, note)}
            />
          </div>
        </details>
      )}
      <NoteControl
        id="step-note"
        text={note}
        required={step.note}
        error={noteError}
        onText={(words) => type(draft, words)}
      />
      <div class="bar-line">
        <button class="button main" type="submit" disabled={busy}>
          {t("stepAct", { stage: stageWords(scene, step.to) })} <kbd>Ctrl Enter</kbd>
        </button>
        <button class="button" type="button" onClick={putAway}>
          {t("cancel")}
        </button>
        {step.sign.length > 0 && <span class="quiet">{t("stepSignAfter")}</span>}
      </div>
    </form>
  );
}

type Waiting = NonNullable<Loop["waiting"]>;

/** What was submitted, as the fields of the scene say it. */
function Submitted({ waiting, scene }: { waiting: Waiting; scene: Scene }): JSX.Element {
  const fields = Object.entries(waiting.fields).map(([name, value]) => {
    const field = scene.fields.find((one) => one.name === name);
    return {
      name,
      title: field ? say(field.title) : name,
      value: field?.type === "photo" ? "" : valueWords(field?.type ?? "text", value, field),
    };
  });
  return (
    <dl class="known" data-submitted>
      {fields.map(({ name, title, value }) => (
        <div key={name}>
          <dt>{title}</dt>
          <dd>{value || t("submittedPhoto")}</dd>
        </div>
      ))}
      {waiting.note && (
        <div>
          <dt>{t("note")}</dt>
          <dd>{waiting.note}</dd>
        </div>
      )}
    </dl>
  );
}

/** A step that waits for signatures: for whose, what is signed, and the act for whom it is open. */
function Waits(props: {
  loop: Loop;
  waiting: Waiting;
  scene: Scene;
  reader: string;
  busy: boolean;
  onSign(): void;
}): JSX.Element {
  const { loop, waiting, scene, reader, busy, onSign } = props;
  const signed = waiting.signatures.some((one) => one.by === reader);
  const empty = !Object.keys(waiting.fields).length && !waiting.note;
  return (
    <div class="notice waits" data-waiting>
      <div>
        <p>
          {t("waitingFor", {
            stage: stageWords(scene, waiting.to),
            who: handsWords(loop, waiting.missing),
          })}{" "}
          <span class="quiet">
            {t("waitingAsked", { name: waiting.asked_by, time: dayAndClock(waiting.asked_at) })}
          </span>
        </p>
        {waiting.shown && !empty && <Submitted waiting={waiting} scene={scene} />}
        {waiting.shown && waiting.kept_back > 0 && (
          <p class="small dim">{t("submittedHidden", { count: waiting.kept_back })}</p>
        )}
      </div>
      {waiting.mine ? (
        <button class="button" type="button" disabled={busy} onClick={onSign}>
          {t("sign")}
        </button>
      ) : (
        signed && <span class="quiet">{t("signedByYou")}</span>
      )}
    </div>
  );
}

interface ActsProps {
  loop: Loop;
  scene: Scene;
  reader: Reader;
  areas: ReadonlyMap<string, Area>;
  mayTake: boolean;
  onDone(words: string): void;
}

const isOwner = (hand: Words): boolean => hand.en === "the owner";

/** Whether the loop waits for the reader, so that its server lets it be held. A step of the owner's says
 *  so; where others may take every step too, the reader's own role and area do. */
function ownsIt(loop: Loop, reader: Reader, areas: ReadonlyMap<string, Area>): boolean {
  const owners = loop.next.filter(({ by }) => by.some(isOwner));
  if (owners.some(({ mine }) => !mine)) return false;
  if (owners.some(({ by }) => by.every(isOwner))) return true;
  const { role, area } = loop.owner;
  return role === reader.role && isWithin(areas, area ?? "", reader.area.code);
}

/** Signing, holding, taking over: acts that need no form of the scene. */
export function OtherActs({ loop, scene, reader, areas, mayTake, onDone }: ActsProps): JSX.Element {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const path = { id: loop.id };
  const stage = scene.stages.find((one) => one.name === loop.stage);
  const held = loop.claimed_by === reader.name;
  const mayHold = held || (!loop.claimed_by && ownsIt(loop, reader, areas));

  async function run(act: () => Promise<Outcome>, words: (outcome: Outcome) => string) {
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      onDone(words(await act()));
    } catch (reason) {
      setProblem(asProblem(reason));
    } finally {
      setBusy(false);
    }
  }
  const sign = (): Promise<void> =>
    run(
      () => call("POST /api/v1/loops/{id}/sign", { path, body: {} }),
      (outcome) =>
        outcome.missing.length
          ? t("signedMissing", { who: handsWords(loop, outcome.missing) })
          : t("signedDone", { stage: stageWords(scene, outcome.stage) }),
    );
  const claim = (release: boolean): Promise<void> =>
    run(
      () => call("POST /api/v1/loops/{id}/claim", { path, body: release ? { release } : {} }),
      () => t(release ? "claimReleased" : "claimDone"),
    );
  const take = (close: boolean): Promise<void> =>
    run(
      () => call("POST /api/v1/loops/{id}/take", { path, body: { note, ...(close && { close }) } }),
      () => t(close ? "takeClosed" : "takeDone"),
    );
  const noteError = problem?.errors.find((error) => error.field === "note");
  return (
    <>
      {problem && !noteError && (
        <p class="notice bad" role="alert">
          {refusalWords(problem)}
        </p>
      )}
      {loop.waiting && (
        <Waits
          loop={loop}
          waiting={loop.waiting}
          scene={scene}
          reader={reader.name}
          busy={busy}
          onSign={() => void sign()}
        />
      )}
      {stage?.claimed && mayHold && (
        <div class="bar-line">
          <button class="button" type="button" disabled={busy} onClick={() => void claim(held)}>
            {t(held ? "claimRelease" : "claim")}
          </button>
          <span class="quiet">{t("claimHint")}</span>
        </div>
      )}
      {mayTake && (
        <details class="take">
          <summary>{t("takeTitle")}</summary>
          <NoteControl
            id="take-note"
            text={note}
            required={true}
            error={noteError}
            onText={setNote}
          />
          <div class="bar-line">
            <button class="button" type="button" disabled={busy} onClick={() => void take(false)}>
              {t("take")}
            </button>
            <button class="button" type="button" disabled={busy} onClick={() => void take(true)}>
              {t("takeClose")}
            </button>
            <span class="quiet">{t("takeHint")}</span>
          </div>
        </details>
      )}
    </>
  );
}

/** Who has still to sign, in the reader's language: the server names them in English. */
function handsWords(loop: Loop, hands: readonly string[]): string {
  const signers = loop.next.flatMap((step) => step.sign);
  return hands
    .map((hand) => {
      const known = signers.find((signer) => signer.en === hand);
      return known ? say(known) : hand;
    })
    .join(t("listComma"));
}
