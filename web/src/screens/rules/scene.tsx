// One scene: its drawing, its stages in words, its fields, its versions. Where loops still live under
// an older version, that one can stand beside the one that opens.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call, readText, type Answer } from "../../api/client.ts";
import { t, wordFor } from "../../catalogue.ts";
import { count, dayAndClock } from "../../format.ts";
import { DocumentText } from "../../parts/document.tsx";
import { Icon } from "../../parts/icons.tsx";
import { useKeys } from "../../parts/keys.tsx";
import { useLoad, Waiting } from "../../parts/load.tsx";
import { follow, go } from "../../router.ts";
import { settings } from "../../settings.ts";
import type { Session } from "../login.tsx";
import { readScene, say, stageWords, type Field, type Scene, type Stage } from "../loops/definitions.ts";
import { Diagram } from "../loops/diagram.tsx";
import { choiceWords, clockOf, span } from "../loops/words.ts";
import { ProofChip, type Proof } from "./scenes.tsx";

type Version = Answer<"GET /api/v1/scenes/{name}/versions">["items"][number];
type Transition = Stage["next"][number];

const joined = (words: string[]): string => words.join(settings.language === "zh" ? "、" : ", ");

/** One way out of a stage, as a sentence. */
function wayWords(scene: Scene, way: Transition): string {
  const fields = way.require.map((name) => {
    const field = scene.fields.find((one) => one.name === name);
    return field ? say(field.title) : name;
  });
  const who =
    way.trigger === "by"
      ? joined(way.by.map(say))
      : way.trigger === "on"
        ? t("wayOn", { event: way.on_title ? say(way.on_title) : (way.on ?? "") })
        : way.after_seconds
          ? t("wayAfter", { span: span(way.after_seconds) })
          : t("wayAtDeadline");
  return [
    who,
    way.when.length ? t("wayIf", { conditions: joined(way.when.map(say)) }) : "",
    fields.length ? t("wayGives", { fields: joined(fields) }) : "",
    way.note ? t("wayNote") : "",
    way.sign.length ? t("waySigned", { by: joined(way.sign.map(say)) }) : "",
  ]
    .filter(Boolean)
    .join(settings.language === "zh" ? "；" : "; ");
}

/** What a stage says, for finding out whether another version says the same. */
const saidOf = (stage: Stage | undefined): string => (stage ? JSON.stringify(stage) : "");

function Stages({ scene, other }: { scene: Scene; other: Scene | null }): JSX.Element {
  return (
    <ol class="stages">
      {scene.stages.map((stage) => {
        const changed =
          other && saidOf(stage) !== saidOf(other.stages.find(({ name }) => name === stage.name));
        return (
          <li key={stage.name} class={changed ? "changed" : ""}>
            <div class="stage-head">
              <b>{say(stage.title)}</b>
              {changed && <span class="chip soon">{t("stageChanged")}</span>}
              {stage.owner && <span class="small">{say(stage.owner)}</span>}
              <span class="small dim keep">{clockOf(stage)}</span>
              {stage.claimed && <span class="small dim">{t("stageClaimed")}</span>}
            </div>
            {stage.next.map((way, i) => (
              <p key={i} class="way small">
                <span class="dim">→</span> <b>{stageWords(scene, way.to)}</b>{" "}
                <span class="dim">{wayWords(scene, way)}</span>
              </p>
            ))}
          </li>
        );
      })}
    </ol>
  );
}

function boundWords(field: Field): string {
  const { min, max } = field;
  if (min !== null && max !== null) return `${min}–${max}`;
  if (min !== null) return `≥ ${min}`;
  return max !== null ? `≤ ${max}` : "";
}

function Fields({ scene }: { scene: Scene }): JSX.Element {
  if (!scene.fields.length) return <p class="dim">{t("sceneNoFields")}</p>;
  return (
    <div class="scroll-x" tabIndex={0} role="group" aria-label={t("sceneFields")}>
      <table class="wrap">
        <thead>
          <tr>
            <th scope="col">{t("thField")}</th>
            <th scope="col">{t("thType")}</th>
            <th scope="col">{t("thNotes")}</th>
          </tr>
        </thead>
        <tbody>
          {scene.fields.map((field) => (
            <tr key={field.name}>
              <th scope="row">
                {say(field.title)} <code class="quiet">{field.name}</code>
              </th>
              <td>
                {field.list ? t("fieldList", { type: say(field.type_title) }) : say(field.type_title)}{" "}
                {joined(field.values.map((value) => choiceWords(field, value)))} {boundWords(field)}
              </td>
              <td>
                {joined(
                  [
                    field.required ? t("fieldRequired") : "",
                    field.personal ? t("fieldPersonal") : "",
                    field.hidden_until
                      ? t("sceneFieldHidden", { stage: stageWords(scene, field.hidden_until) })
                      : "",
                  ].filter(Boolean),
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Words({ scene }: { scene: Scene }): JSX.Element {
  const address = `/api/v1/scenes/${scene.name}/document?version=${scene.version}&language=${settings.language}`;
  const text = useLoad(address, (signal) => readText(address, signal));
  return text.value === null ? (
    <Waiting loaded={text} />
  ) : (
    <DocumentText text={text.value} level={3} />
  );
}

function One({ scene, other }: { scene: Scene; other: Scene | null }): JSX.Element {
  return (
    <div class="scene-one">
      {other && <h2>{t("sceneVersion", { version: scene.version })}</h2>}
      <Diagram
        scene={scene.name}
        version={scene.version}
        stage=""
        passed={[]}
        label={say(scene.title)}
      />
      <section>
        <h2>{t("sceneStages", { count: scene.stages.length })}</h2>
        <Stages scene={scene} other={other} />
      </section>
      <section>
        <h2>{t("sceneFields")}</h2>
        <Fields scene={scene} />
      </section>
      <details>
        <summary>{t("sceneDocument")}</summary>
        <Words scene={scene} />
      </details>
    </div>
  );
}

interface VersionsProps {
  versions: readonly Version[];
  beside: number;
  onBeside(version: number): void;
}

function Versions({ versions, beside, onBeside }: VersionsProps): JSX.Element {
  return (
    <section>
      <h2>{t("sceneVersions")}</h2>
      <table class="versions">
        <thead>
          <tr>
            <th scope="col">{t("thVersion")}</th>
            <th scope="col">{t("thLoaded")}</th>
            <th scope="col" class="right">
              {t("thOpen")}
            </th>
            <th scope="col" class="right">
              {t("thOverdue")}
            </th>
            <th scope="col">{t("thUse")}</th>
          </tr>
        </thead>
        <tbody>
          {versions.map((one) => (
            <tr key={one.version}>
              <th scope="row">{t("sceneVersion", { version: one.version })}</th>
              <td>{dayAndClock(one.loaded_at)}</td>
              <td class="right">{count(one.open)}</td>
              <td class="right">{count(one.overdue)}</td>
              <td>
                {one.opens ? (
                  t("versionOpens")
                ) : (
                  <button
                    class="button slim"
                    type="button"
                    aria-pressed={one.version === beside}
                    onClick={() => onBeside(one.version === beside ? 0 : one.version)}
                  >
                    {one.version === beside ? t("versionAlone") : t("versionBeside")}
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Findings({ proof }: { proof: Proof }): JSX.Element {
  return (
    <section class="notice bad" role="alert">
      <div>
        <h2>{t("proofTitle", { file: proof.file })}</h2>
        <ul class="findings">
          {proof.findings.map((one, i) => (
            <li key={i}>
              <b>{t("findingLine", { line: one.line })}</b> <code>{one.rule}</code> {one.message}
              {one.path.length > 0 && <div class="small">{one.path.join(" → ")}</div>}
            </li>
          ))}
        </ul>
        <p class="small">{t("proofMend")}</p>
      </div>
    </section>
  );
}

interface Props {
  name: string;
  reader: Session;
  proof: Proof | undefined;
  onBack(): void;
}

export function ScenePage({ name, reader, proof, onBack }: Props): JSX.Element {
  const [beside, setBeside] = useState(0);
  const scene = useLoad(`scene-${name}`, () => readScene(name, null));
  const older = useLoad(beside ? `scene-${name}-${beside}` : null, () => readScene(name, beside));
  const versions = useLoad(`versions-${name}`, (signal) =>
    call("GET /api/v1/scenes/{name}/versions", { path: { name }, signal }),
  );
  const mayOpen = Boolean(scene.value?.by_hand) && reader.permissions.includes("loop.act");
  useKeys(mayOpen ? { n: () => go(`/loops/new?open=${name}`) } : {});
  if (!scene.value) return <Waiting loaded={scene} />;
  const { title, about, subject } = scene.value;
  const living = versions.value?.items ?? [];
  const open = living.reduce<number | null>(
    (sum, one) => (one.open === null ? sum : (sum ?? 0) + one.open),
    null,
  );
  const other = beside ? older.value : null;
  return (
    <article class="loop scene">
      <header class="loop-head">
        <div>
          <p class="small dim">
            <button class="button slim" type="button" onClick={onBack}>
              ← {t("scenesBack")} <kbd>Esc</kbd>
            </button>
          </p>
          <h1>{say(title)}</h1>
          <p class="bar-line">
            <ProofChip proof={proof} />
            <span class="small">{t("sceneVersion", { version: scene.value.version })}</span>
            <span class="small dim">
              {t("sceneAbout", { kind: wordFor("subject", subject.kind) ?? subject.kind })}
            </span>
            <code class="quiet">{name}</code>
          </p>
        </div>
        <div class="bar-line">
          <a class="button" href={`/loops?scene=${name}`} onClick={follow}>
            {open === null ? t("sceneToLoops") : t("sceneToOpen", { count: count(open) })}
          </a>
          {mayOpen ? (
            <a class="button main" href={`/loops/new?open=${name}`} onClick={follow}>
              {t("sceneOpenOne")} <kbd>N</kbd>
            </a>
          ) : (
            <span class="small dim">
              {t(scene.value.by_hand ? "sceneNotYours" : "sceneByEvent")}
            </span>
          )}
        </div>
      </header>
      {say(about) && <p>{say(about)}</p>}
      {proof && proof.findings.length > 0 && <Findings proof={proof} />}
      {proof && !proof.findings.length && !proof.loaded && (
        <p class="notice" role="status">
          <Icon name="soon" />
          {t("proofWaitsLong", { file: proof.file, version: proof.version })}
        </p>
      )}
      {versions.value ? (
        <Versions versions={living} beside={beside} onBeside={setBeside} />
      ) : (
        <Waiting loaded={versions} />
      )}
      {beside > 0 && !other && <Waiting loaded={older} />}
      <div class={other ? "scene-pair" : ""}>
        <One scene={scene.value} other={other} />
        {other && <One scene={other} other={scene.value} />}
      </div>
    </article>
  );
}
