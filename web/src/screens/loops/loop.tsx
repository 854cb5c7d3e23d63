// One loop: whose it is until when, what is next and who may do it, what is known, where it stands in
// its scene, what was done.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call } from "../../api/client.ts";
import { t, wordFor } from "../../catalogue.ts";
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
import { Diagram } from "./diagram.tsx";
import { keptDraft } from "./drafts.ts";
import { OtherActs, StepForm, StepRow, type Outcome } from "./step.tsx";
import { Viewers } from "./viewers.tsx";
import { seatWords, span, standing, subjectWords, valueWords, type Loop } from "./words.ts";

type Act = Loop["history"][number];

export interface Reader {
  name: string;
  permissions: readonly string[];
}

function Clock({ loop, now }: { loop: Loop; now: number }): JSX.Element {
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
          ? t("dueAt", { time: dayAndClock(loop.due_at) })
          : t("closedAt", { time: dayAndClock(loop.closed_at) })}
      </span>
    </div>
  );
}

/** The page of whom or what it is about; a person's asks for a purpose, which this loop may be. */
function dossierOf(subject: Loop["subject"]): string {
  if (!subject.no) return "";
  if (subject.kind === "person") return `/people/${subject.no}`;
  return subject.kind === "unit" ? `/people/units/${subject.no}` : "";
}

function Head({ loop, now, onBack }: { loop: Loop; now: number; onBack(): void }): JSX.Element {
  const subject = subjectWords(loop.subject);
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
        {dossierOf(loop.subject) && (
          <p class="small">
            <a href={dossierOf(loop.subject)} onClick={follow}>
              {t("loopDossier", { subject })}
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

function Known({ loop }: { loop: Loop }): JSX.Element {
  return (
    <section aria-labelledby="known-title">
      <h2 id="known-title">{t("knownTitle")}</h2>
      <dl class="known">
        {loop.fields.map((field) => (
          <div key={field.name}>
            <dt>{say(field.title)}</dt>
            <dd>
              {field.hidden ? (
                <span class="quiet">
                  <Icon name="lock" /> {t("fieldHidden")}
                </span>
              ) : field.value === null ? (
                <span class="quiet">{t("fieldEmpty")}</span>
              ) : (
                valueWords(field.type, field.value)
              )}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function whoActed(act: Act): string {
  if (act.by === "clock") return t("byClock");
  if (act.by === "event") return t("byEvent");
  return act.by;
}

function actWords(act: Act, scene: Scene | null): string {
  const done = wordFor("act", act.act) ?? act.act;
  const where = act.to !== act.stage ? `${done} → ${stageWords(scene, act.to)}` : done;
  if (act.told) return t("actTold", { act: done, who: seatWords(act.told) });
  if (act.loop) return t("actLoop", { act: done, id: act.loop });
  if (act.parent) return t("actLoop", { act: done, id: act.parent });
  return act.act === "opened" ? `${done} → ${stageWords(scene, act.stage)}` : where;
}

function setWords(act: Act, loop: Loop): string {
  return Object.entries(act.fields)
    .map(([name, value]) => {
      const field = loop.fields.find((one) => one.name === name);
      return t("fieldSet", {
        field: field ? say(field.title) : name,
        value: valueWords(field?.type ?? "text", value),
      });
    })
    .join(t("listComma"));
}

function History({ loop, scene }: { loop: Loop; scene: Scene | null }): JSX.Element {
  return (
    <section aria-labelledby="history-title">
      <h2 id="history-title">
        {t("historyTitle")} <span class="quiet">{t("newestFirst")}</span>
      </h2>
      <ol class="history">
        {[...loop.history].reverse().map((act, i) => (
          <li key={loop.history.length - i} class={act.act}>
            <span class="keep small">{dayAndClock(act.at)}</span>
            <div>
              <b>{actWords(act, scene)}</b>
              {setWords(act, loop) && <span class="small dim">{setWords(act, loop)}</span>}
              {act.note && <span class="small">“{act.note}”</span>}
            </div>
            <span class="quiet right">{whoActed(act)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Kin(props: { title: string; kin: Loop["children"]; query: string }): JSX.Element | null {
  const { title, kin, query } = props;
  if (!kin.length) return null;
  return (
    <section>
      <h2>{title}</h2>
      <ul class="kin">
        {kin.map((one) => (
          <li key={one.id}>
            <a href={`/loops/${one.id}${query}`} onClick={follow}>
              {t("loopNumber", { id: one.id })}
            </a>{" "}
            {one.scene} <span class="quiet">{wordFor("state", one.state) ?? one.state}</span>
          </li>
        ))}
      </ul>
    </section>
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
  }, [loop.stage, loop.history.length]);

  function done(words: string): void {
    setSaid(words);
    setChosen(null);
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
      <Head loop={loop} now={now} onBack={onBack} />
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
              reader={reader.name}
              mayTake={mayTake}
              onDone={done}
            />
          )}
        </section>
      )}
      <div class="loop-columns">
        <div>
          <Known loop={loop} />
          <History loop={loop} scene={scene} />
        </div>
        <div>
          <section aria-labelledby="drawing-title">
            <h2 id="drawing-title">
              {t("drawingTitle", { stage: say(loop.stage_title) })}{" "}
              {loop.state === "open" && (
                <span class="quiet">
                  {t("stageSince", { span: span(Math.max(0, now - secondsOf(loop.entered_at))) })}
                </span>
              )}
            </h2>
            <Diagram
              scene={loop.scene}
              version={loop.version}
              stage={loop.stage}
              passed={[...new Set(loop.history.flatMap((act) => [act.stage, act.to]))]}
              label={say(loop.title)}
            />
          </section>
          <Kin title={t("childrenTitle")} kin={loop.children} query={query} />
          <Kin title={t("parentsTitle")} kin={loop.parents} query={query} />
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
