// One loop: whose it is until when, what is next and who may do it, what is known, where it stands in
// its scene, what was done.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { dayAndClock, secondsOf } from "../../format.ts";
import { useCityNow } from "../../parts/city-clock.ts";
import { Icon } from "../../parts/icons.tsx";
import { useKeys } from "../../parts/keys.tsx";
import { useLoad, Waiting } from "../../parts/load.tsx";
import { follow } from "../../router.ts";
import {
  areaWords,
  readAreas,
  readScene,
  say,
  stageWords,
  type Area,
  type Scene,
} from "./definitions.ts";
import { Custody } from "./custody.tsx";
import { Diagram } from "./diagram.tsx";
import { keptDraft } from "./drafts.ts";
import { KnownAndDone } from "./history.tsx";
import { Kin } from "./kin.tsx";
import { Ladder } from "./ladder.tsx";
import { NoteForm } from "./note.tsx";
import { OtherActs, StepForm, StepRow, type Outcome } from "./step.tsx";
import { Viewers } from "./viewers.tsx";
import { addressOf, seatWords, span, standing, subjectWords, type Loop } from "./words.ts";

export interface Reader {
  name: string;
  role: string;
  area: { code: string };
  permissions: readonly string[];
}

function Clock({ loop, now }: { loop: Loop; now: number | null }): JSX.Element {
  const { tone, icon, words, used } = standing(loop, now);
  return (
    <div class={`loop-clock ${tone}`} data-clock>
      <b>
        <Icon name={icon} />
        {words}
      </b>
      {used !== null && <span class="track"><i style={{ width: `${used * 100}%` }} /></span>}
      <span class="small">
        {loop.state === "open"
          ? now !== null && t("dueAt", { time: dayAndClock(loop.due_at) })
          : t("closedAt", { time: dayAndClock(loop.closed_at) })}
      </span>
    </div>
  );
}

interface HeadProps {
  loop: Loop;
  reader: Reader;
  now: number | null;
  onBack(): void;
}

function Head({ loop, reader, now, onBack }: HeadProps): JSX.Element {
  const subject = subjectWords(loop.subject);
  const { kind, no, code } = loop.subject;
  const address = addressOf(kind, code ?? no, reader.permissions);
  return (
    <header class="loop-head">
      <div>
        <p class="small dim bar-line">
          <button class="button slim" type="button" onClick={onBack}>
            ← {t("loopBack")} <kbd>Esc</kbd>
          </button>
          <span>
            {t("loopEyebrow", {
              scene: loop.scene,
              version: loop.version,
              id: loop.id,
              time: dayAndClock(loop.opened_at),
            })}
          </span>
        </p>
        <h1 id="loop-title" tabIndex={-1}>
          {say(loop.title)}
          {subject && t("titleJoin", { subject })}
        </h1>
        <p>
          <span class="chip stage">{say(loop.stage_title)}</span>{" "}
          {loop.state === "open"
            ? t("ownerUntil", { owner: seatWords(loop.owner), time: dayAndClock(loop.due_at) })
            : t("ownerLast", { owner: seatWords(loop.owner) })}
          {loop.area && loop.area !== loop.owner.area && <span class="dim"> · {areaWords(loop.area)}</span>}
        </p>
        {address && (
          <p class="small" data-subject>
            <a href={address} onClick={follow}>
              {t(["person", "unit"].includes(kind) ? "loopDossier" : "loopSubject", { subject })}
            </a>
          </p>
        )}
        {loop.claimed_by && (
          <p class="small">
            {t("heldBy", { name: loop.claimed_by, time: dayAndClock(loop.claimed_until) })}
          </p>
        )}
      </div>
      <Clock loop={loop} now={now} />
    </header>
  );
}

interface Props {
  id: number;
  reader: Reader;
  /** The list's own query, kept in links. */
  query: string;
  onBack(): void;
  /** Something was done: the list is to be read anew. */
  onChange(): void;
}

function OpenLoop(props: Props & { loop: Loop; scene: Scene; areas: Map<string, Area>; reload(): void }): JSX.Element {
  const { loop, scene, areas, reader, query, reload, onBack, onChange } = props;
  const now = useCityNow();
  const [chosen, setChosen] = useState<number | null>(null);
  const [said, setSaid] = useState("");
  const mayAct = reader.permissions.includes("loop.act");
  const mayTake = reader.permissions.includes("loop.take") && loop.state === "open";
  const steps = loop.next;
  const open = steps.map((step, i) => ({ step, i })).filter(({ step }) => step.mine && mayAct);
  const step = chosen === null ? undefined : steps[chosen];
  const keys: Record<string, () => void> = { Escape: onBack };
  open.forEach(({ i }, n) => {
    keys[String(n + 1)] = () => setChosen(i);
  });
  useKeys(keys);
  useEffect(() => {
    const kept = keptDraft(loop.id); // typed before the loop moved: its step may still be there
    setChosen(kept ? (open.find((one) => one.step.to === kept.to)?.i ?? null) : null);
  }, [loop.stage, loop.entered_at]);

  function done(words: string): void {
    setSaid(words);
    setChosen(null);
    reload();
    onChange();
  }
  /** What is being filled in for a step stays. */
  function noted(words: string): void {
    setSaid(words);
    reload();
    onChange();
  }
  const stepDone = (outcome: Outcome, to: string): void =>
    done(
      outcome.missing.length
        ? t("stepWaits", { stage: stageWords(scene, to) })
        : t("stepDone", { stage: stageWords(scene, outcome.stage) }),
    );
  return (
    <article class="loop" aria-labelledby="loop-title">
      <Head loop={loop} reader={reader} now={now} onBack={onBack} />
      <Viewers loop={loop} writing={step !== undefined} onTake={reload} />
      {said && (
        <p class="notice good" role="status">
          {said}
        </p>
      )}
      {loop.state === "open" && (
        <section aria-labelledby="next-title">
          <h2 id="next-title">{t("nextTitle")}</h2>
          {!open.length && <p class="small dim">{t("nextNotYours", { owner: seatWords(loop.owner) })}</p>}
          <ol class="steps">
            {steps.map((one, i) => (
              <StepRow
                key={i}
                step={one}
                index={open.findIndex((mine) => mine.i === i) + 1}
                scene={scene}
                chosen={chosen === i}
                mayAct={mayAct}
                onChoose={() => setChosen(chosen === i ? null : i)}
              />
            ))}
          </ol>
          {step && (
            <StepForm
              key={`${loop.stage}-${chosen}`}
              loop={loop}
              step={step}
              scene={scene}
              areas={[...areas.values()]}
              onDone={stepDone}
              onLeave={() => setChosen(null)}
            />
          )}
          {mayAct && (
            <OtherActs
              key={loop.history.length}
              loop={loop}
              scene={scene}
              reader={reader}
              areas={areas}
              mayTake={mayTake}
              onDone={done}
            />
          )}
          {mayAct && <NoteForm key={`note-${loop.id}`} loop={loop} onDone={noted} />}
        </section>
      )}
      <div class="loop-columns">
        <div class="loop-due">
          <Ladder loop={loop} now={now} />
          <Custody loop={loop} scene={scene} />
          <Kin
            id="children"
            title={t("childrenTitle")}
            kin={loop.children}
            more={loop.more_children}
            query={query}
          />
        </div>
        <div class="loop-done">
          <KnownAndDone loop={loop} scene={scene} permissions={reader.permissions} />
        </div>
        <div class="loop-scene">
          <section aria-labelledby="drawing-title">
            <Diagram
              scene={loop.scene}
              version={loop.version}
              stage={loop.stage}
              passed={[...new Set(loop.history.flatMap((act) => [act.stage, act.to]))]}
              label={say(loop.title)}
              id="drawing-title"
              since={
                loop.state === "open" && now !== null
                  ? t("stageSince", { span: span(Math.max(0, now - secondsOf(loop.entered_at))) })
                  : ""
              }
            />
          </section>
          <Kin
            id="parents"
            title={t("parentsTitle")}
            kin={loop.parents}
            more={false}
            query={query}
          />
        </div>
      </div>
    </article>
  );
}

export function LoopPane(props: Props): JSX.Element {
  const { id } = props;
  const page = useLoad(`loop-${id}`, async (signal) => {
    const loop = await call("GET /api/v1/loops/{id}", { path: { id }, signal });
    const [scene, areas] = await Promise.all([readScene(loop.scene, loop.version), readAreas()]);
    return { loop, scene, areas };
  });
  useKeys(page.value ? {} : { Escape: props.onBack });
  if (!page.value) return <Waiting loaded={page} />;
  return <OpenLoop {...props} {...page.value} reload={page.reload} />;
}
