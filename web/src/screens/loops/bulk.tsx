// One step for many loops of one scene and stage: each for itself, with a result each.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, requestKey, type Answer, type Problem } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { Icon } from "../../parts/icons.tsx";
import { useKeys } from "../../parts/keys.tsx";
import { useLoad, Waiting } from "../../parts/load.tsx";
import { sendLater, type Outcome } from "../../parts/undo.tsx";
import { follow } from "../../router.ts";
import { readAreas, readScene, say, stageOf, stageWords, type Area, type Scene } from "./definitions.ts";
import { FieldControls, NoteControl, valuesOf, type Draft } from "./form.tsx";
import { reasonWords, refusalWords, subjectWords, type Row } from "./words.ts";

type Results = Answer<"POST /api/v1/loops:advance">["items"];

/** Whether one step can be meant for all of them. */
export const areAlike = (rows: readonly Row[]): boolean =>
  rows.every(
    (row) =>
      row.scene === rows[0]?.scene &&
      row.version === rows[0]?.version &&
      row.stage === rows[0]?.stage &&
      row.state === "open",
  );

function outcomeOf(results: Results): Outcome {
  const refused = results.filter((result) => !result.done);
  return {
    words: t("bulkResults", { done: results.length - refused.length, refused: refused.length }),
    refused: refused.map((result) => ({
      address: `/loops/${result.id}`,
      words: `${t("loopNumber", { id: result.id })} ${reasonWords(result.detail ?? "")}`,
    })),
  };
}

function ResultList(props: { results: Results; rows: readonly Row[]; scene: Scene; query: string }): JSX.Element {
  const { results, rows, scene, query } = props;
  const done = results.filter((result) => result.done).length;
  return (
    <section class="results" aria-labelledby="results-title">
      <h2 id="results-title" role="status">
        {t("bulkResults", { done, refused: results.length - done })}
      </h2>
      <ol>
        {results.map((result) => {
          const row = rows.find((one) => one.id === result.id);
          return (
            <li key={result.id} class={result.done ? "done" : "refused"} data-result={result.id}>
              <Icon name={result.done ? "done" : "late"} />
              <a href={`/loops/${result.id}${query}`} onClick={follow}>
                {t("loopNumber", { id: result.id })}
              </a>
              <span>{row && subjectWords(row.subject)}</span>
              <span>
                {!result.done
                  ? reasonWords(result.detail ?? "")
                  : result.missing?.length
                    ? t("bulkWaits")
                    : stageWords(scene, result.stage ?? "")}
                {!result.done && result.field && (
                  <span class="quiet"> {fieldWords(scene, result.field)}</span>
                )}
              </span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function fieldWords(scene: Scene, name: string): string {
  const field = scene.fields.find((one) => one.name === name);
  return field ? say(field.title) : name === "note" ? t("note") : "";
}

interface Props {
  rows: readonly Row[];
  query: string;
  onBack(): void;
  onChange(): void;
}

function BulkForm({ rows, query, onBack, onChange, scene, areas }: Props & { scene: Scene; areas: readonly Area[] }): JSX.Element {
  const stage = stageOf(scene, rows[0]?.stage ?? "");
  const steps = stage?.next.filter((step) => step.trigger === "by") ?? [];
  const targets = [...new Set(steps.map((step) => step.to))];
  const [to, setTo] = useState(targets[0] ?? "");
  const [draft, setDraft] = useState<Draft>({});
  const [note, setNote] = useState("");
  const [results, setResults] = useState<Results | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [waiting, setWaiting] = useState(false);
  const here = useRef(true);
  const last = useRef({ text: "", key: "" });
  const form = useRef<HTMLFormElement>(null);
  const led = steps.filter((step) => step.to === to);
  const names = [...new Set(led.flatMap((step) => step.require))];
  const fields = scene.fields.filter((field) => names.includes(field.name));
  const always = names.filter((name) => led.every((step) => step.require.includes(name)));

  useEffect(() => {
    form.current?.querySelector<HTMLElement>("input:checked, input, textarea")?.focus();
  }, []);
  useEffect(
    () => () => {
      here.current = false;
    },
    [],
  );

  /** Waits to be taken back before it is sent, also when this pane is left. */
  function act(): void {
    if (waiting) return;
    setWaiting(true);
    setProblem(null);
    const values = valuesOf(fields, draft);
    const body = {
      items: rows.map((row) => ({
        id: row.id,
        to,
        ...(Object.keys(values).length && { fields: values }),
        ...(note.trim() && { note }),
      })),
    };
    // The same again after a failure is the same request: what was done already is answered as it was.
    const text = JSON.stringify(body);
    if (last.current.text !== text) last.current = { text, key: requestKey() };
    const { key } = last.current;
    sendLater({
      words: t("bulkAct", { count: rows.length, stage: stageWords(scene, to) }),
      send: async () => {
        const { items } = await call("POST /api/v1/loops:advance", { key, body });
        setResults(items);
        onChange();
        return outcomeOf(items);
      },
      onUndone: () => setWaiting(false),
      onFailed: (reason) => {
        setProblem(reason);
        setWaiting(false);
      },
      isWatched: () => here.current,
    });
  }
  if (results) return <ResultList results={results} rows={rows} scene={scene} query={query} />;
  if (!targets.length) return <p class="dim">{t("bulkNoStep")}</p>;
  return (
    <form
      ref={form}
      class="step-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        act();
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          act();
        } else if (event.key === "Escape") {
          event.preventDefault();
          event.stopPropagation();
          onBack();
        }
      }}
    >
      {problem && (
        <p class="notice bad" role="alert">
          {refusalWords(problem)}
        </p>
      )}
      <fieldset class="choices">
        <legend>{t("bulkTo")}</legend>
        {targets.map((target) => (
          <label key={target}>
            <input
              type="radio"
              name="to"
              value={target}
              checked={to === target}
              onChange={() => setTo(target)}
            />
            {stageWords(scene, target)}
          </label>
        ))}
      </fieldset>
      <div class="form-fields">
        <FieldControls
          prefix="bulk"
          fields={fields}
          required={always}
          areas={areas}
          draft={draft}
          errors={[]}
          onDraft={setDraft}
        />
      </div>
      <NoteControl
        id="bulk-note"
        text={note}
        required={led.every((step) => step.note)}
        error={undefined}
        onText={setNote}
      />
      <div class="bar-line">
        <button class="button main" type="submit" disabled={waiting}>
          {t("bulkAct", { count: rows.length, stage: stageWords(scene, to) })}
        </button>
        <span class="quiet">{t("bulkHint")}</span>
      </div>
    </form>
  );
}

export function BulkPane(props: Props): JSX.Element {
  const { onBack } = props;
  const [rows] = useState(props.rows); // what was chosen when the pane was opened
  const first = rows[0];
  const loaded = useLoad(first ? `bulk-${first.scene}-${first.version}` : null, async () => {
    const [scene, areas] = await Promise.all([
      readScene(first?.scene ?? "", first?.version ?? null),
      readAreas(),
    ]);
    return { scene, areas: [...areas.values()] };
  });
  useKeys({ Escape: onBack });
  return (
    <article class="loop" aria-labelledby="bulk-title">
      <header class="loop-head">
        <div>
          <p class="small dim">
            <button class="button slim" type="button" onClick={onBack}>
              ← {t("loopBack")} <kbd>Esc</kbd>
            </button>
          </p>
          <h1 id="bulk-title">
            {first && t("bulkTitle", { count: rows.length, title: say(first.title) })}
          </h1>
          {first && <p class="dim">{t("bulkStage", { stage: say(first.stage_title) })}</p>}
        </div>
      </header>
      {loaded.value ? (
        <BulkForm {...props} {...loaded.value} rows={rows} />
      ) : (
        <Waiting loaded={loaded} />
      )}
    </article>
  );
}
