// Opening a loop by hand: the scene is chosen, its definition makes the form.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem, call, type Problem } from "../../api/client.ts";
import { t, wordFor } from "../../catalogue.ts";
import { useKeys } from "../../parts/keys.tsx";
import { useLoad, Waiting } from "../../parts/load.tsx";
import { go } from "../../router.ts";
import { readAreas, readScene, say, type Area, type Field, type Scene, type SceneHead } from "./definitions.ts";
import { errorsElsewhere, FieldControls, focusRefused, valuesOf, type Draft } from "./form.tsx";
import { refusalWords } from "./words.ts";

/** What the loop is about, as a field like the others. */
function subjectField(scene: Scene): Field[] {
  const { kind, by_code, title } = scene.subject;
  if (kind === "none") return [];
  const field = (name: string, type: string, words: Field["title"], required: boolean): Field => ({
    name,
    title: words,
    type,
    type_title: title,
    refers: true,
    by_code: type === "area" || by_code,
    list: false,
    required,
    personal: false,
    hidden_until: null,
    form: "any",
    form_title: title,
    min: null,
    max: null,
    values: [],
    choices: [],
  });
  const both = (words: string): Field["title"] => ({ zh: words, en: words });
  const fields = [field("subject", kind, both(t("openSubject", { kind: say(title) })), true)];
  if (by_code && kind !== "area")
    fields.push(field("area", "area", both(t("openSubjectArea")), false));
  return fields;
}

interface FormProps {
  scene: Scene;
  areas: readonly Area[];
  /** What it is about, where the address says so. */
  subject: string;
  onOpened(id: number, words: string): void;
}

function OpeningForm(props: FormProps): JSX.Element {
  const { scene, areas, subject: named, onOpened } = props;
  const about = subjectField(scene);
  const asked = scene.fields.filter((field) => field.required);
  const others = scene.fields.filter((field) => !field.required);
  const [draft, setDraft] = useState<Draft>(named ? { subject: named } : {});
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const more = useRef<HTMLDetailsElement>(null);
  const errors = problem?.errors ?? [];
  const shown = [...about, ...scene.fields].map((field) => field.name);
  useEffect(() => {
    form.current?.querySelector<HTMLElement>("input, select, textarea")?.focus();
  }, []);
  useEffect(() => {
    if (!problem) return;
    if (more.current && others.some((field) => problem.fields.includes(field.name)))
      more.current.open = true;
    focusRefused(form.current);
  }, [problem]);

  async function open(): Promise<void> {
    if (busy) return;
    setBusy(true);
    setProblem(null);
    try {
      const { subject, area } = valuesOf(about, draft);
      const outcome = await call("POST /api/v1/loops", {
        body: {
          scene: scene.name,
          ...(subject !== undefined && { subject: subject as number | string }),
          ...(area !== undefined && { area: String(area) }),
          fields: valuesOf(scene.fields, draft),
        },
      });
      onOpened(outcome.id, t(outcome.joined ? "openJoined" : "openDone", { id: outcome.id }));
    } catch (reason) {
      setProblem(asProblem(reason));
      setBusy(false);
    }
  }
  const controls = (fields: readonly Field[], required: readonly string[]): JSX.Element => (
    <div class="form-fields">
      <FieldControls
        prefix="open"
        fields={fields}
        required={required}
        areas={areas}
        draft={draft}
        errors={errors}
        onDraft={setDraft}
      />
    </div>
  );
  return (
    <form
      ref={form}
      class="step-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void open();
      }}
      onKeyDown={(event) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        void open();
      }}
    >
      {say(scene.about) && <p class="small dim">{say(scene.about)}</p>}
      {problem && (!errors.length || errorsElsewhere(errors, shown).length > 0) && (
        <p class="notice bad" role="alert">
          {refusalWords(problem)}
        </p>
      )}
      {controls(
        [...about, ...asked],
        [...about.filter((field) => field.required), ...asked].map((field) => field.name),
      )}
      {others.length > 0 && (
        <details ref={more}>
          <summary>{t("openMore")}</summary>
          {controls(others, [])}
        </details>
      )}
      <div class="bar-line">
        <button class="button main" type="submit" disabled={busy}>
          {t("openAct")} <kbd>Ctrl Enter</kbd>
        </button>
      </div>
    </form>
  );
}

interface Props {
  scenes: readonly SceneHead[];
  /** Chosen in the address. */
  name: string;
  subject: string;
  listQuery: string;
  onBack(): void;
  onOpened(id: number, words: string): void;
}

export function OpenPane(props: Props): JSX.Element {
  const { scenes, name, subject, listQuery, onBack, onOpened } = props;
  const byHand = scenes.filter((scene) => scene.by_hand);
  const loaded = useLoad(name ? `scene-${name}` : null, async () => {
    const [scene, areas] = await Promise.all([readScene(name, null), readAreas()]);
    return { scene, areas };
  });
  useKeys({ Escape: onBack });
  useEffect(() => {
    if (!name) document.getElementById("open-scene")?.focus();
  }, []);
  const choose = (chosen: string): void => {
    const query = new URLSearchParams(listQuery);
    if (chosen) query.set("open", chosen);
    if (subject) query.set("subject", subject);
    go(`/loops/new?${query.toString()}`, true);
  };
  return (
    <article class="loop">
      <header class="loop-head">
        <div>
          <p class="small dim">
            <button class="button slim" type="button" onClick={onBack}>
              ← {t("loopBack")} <kbd>Esc</kbd>
            </button>
          </p>
          <h1>{t("openTitle")}</h1>
        </div>
      </header>
      <div class="form-field scene-choice">
        <label for="open-scene">{t("openScene")}</label>
        <select id="open-scene" value={name} onChange={(event) => choose(event.currentTarget.value)}>
          <option value="">{t("choose")}</option>
          {byHand.map((scene) => (
            <option key={scene.name} value={scene.name}>
              {say(scene.title)} · {wordFor("subject", scene.subject.kind) ?? scene.subject.kind}
            </option>
          ))}
        </select>
        <span class="quiet">{t("openHint")}</span>
      </div>
      {name && !loaded.value && <Waiting loaded={loaded} />}
      {name && loaded.value && (
        <OpeningForm
          key={name}
          scene={loaded.value.scene}
          subject={subject}
          areas={[...loaded.value.areas.values()]}
          onOpened={onOpened}
        />
      )}
    </article>
  );
}
