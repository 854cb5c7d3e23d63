// What is known and what was done: the fields with their evidence, the acts newest first, photos
// small in both and whole in a dialog.
import { Fragment, type JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { t, wordFor } from "../../catalogue.ts";
import { dayAndClock } from "../../format.ts";
import { Icon } from "../../parts/icons.tsx";
import { follow } from "../../router.ts";
import { say, stageWords, type Field, type Scene } from "./definitions.ts";
import { forgetPhotos } from "./photo-file.ts";
import { Thumbs, Viewer, type Shot } from "./photo-viewer.tsx";
import { addressOf, seatWords, valueWords, type Loop } from "./words.ts";

type Act = Loop["history"][number];

const fieldOf = (scene: Scene | null, name: string): Field | undefined =>
  scene?.fields.find((one) => one.name === name);

const digestsOf = (value: unknown): string[] =>
  (Array.isArray(value) ? value : [value]).filter((one) => typeof one === "string");

function whoActed(act: Act): string {
  if (act.by === "clock") return t("byClock");
  if (act.by === "event") return t("byEvent");
  return act.by;
}

/** The photos that an act set, or that came with its note. */
function shotsOf(act: Act, loop: Loop): Shot[] {
  const shot = (digest: string, what: string): Shot => ({
    digest,
    what,
    by: whoActed(act),
    at: act.at,
  });
  const set = loop.fields
    .filter((field) => field.type === "photo" && act.fields[field.name] !== undefined)
    .flatMap((field) =>
      digestsOf(act.fields[field.name]).map((digest) => shot(digest, say(field.title))),
    );
  return [...set, ...(act.photos ?? []).map((digest) => shot(digest, t("photoNoted")))];
}

/** All of a loop, oldest first, each once: the last act that set it tells who and when. */
function allShots(loop: Loop): Shot[] {
  const all = new Map<string, Shot>();
  for (const act of loop.history)
    for (const shot of shotsOf(act, loop)) {
      all.delete(shot.digest);
      all.set(shot.digest, shot);
    }
  // A field that no act tells of any more (a history is told to its thousandth act): its photo all the
  // same, without who and when.
  for (const field of loop.fields)
    if (field.type === "photo" && !field.hidden && field.value !== null)
      for (const digest of digestsOf(field.value))
        if (!all.has(digest))
          all.set(digest, { digest, what: say(field.title), by: "—", at: loop.opened_at });
  return [...all.values()];
}

function actWords(act: Act, scene: Scene | null): string {
  const done = wordFor("act", act.act) ?? act.act;
  const where = act.to !== act.stage ? `${done} → ${stageWords(scene, act.to)}` : done;
  if (act.told) return t("actTold", { act: done, who: seatWords(act.told) });
  if (act.loop) return t("actLoop", { act: done, id: act.loop });
  if (act.parent) return t("actLoop", { act: done, id: act.parent });
  return act.act === "opened" ? `${done} → ${stageWords(scene, act.stage)}` : where;
}

function setWords(act: Act, loop: Loop, scene: Scene | null): string {
  return Object.entries(act.fields)
    .map(([name, value]) => ({ name, value, field: loop.fields.find((one) => one.name === name) }))
    .filter(({ field }) => field?.type !== "photo")
    .map(({ name, value, field }) =>
      t("fieldSet", {
        field: field ? say(field.title) : name,
        value: valueWords(field?.type ?? "text", value, fieldOf(scene, name)),
      }),
    )
    .join(t("listComma"));
}

interface PartProps {
  loop: Loop;
  scene: Scene | null;
  shots: readonly Shot[];
  onOpen(digest: string): void;
}

/** A value of a field; what it names is a link where the reader may open its page. */
function Value(props: { field: Loop["fields"][number]; scene: Scene | null; permissions: readonly string[] }): JSX.Element {
  const { field, scene, permissions } = props;
  const named = Array.isArray(field.value) ? field.value : [field.value];
  const one = (value: unknown): JSX.Element | string => {
    const words = valueWords(field.type, value, fieldOf(scene, field.name));
    const address = addressOf(field.type, value, permissions);
    return address ? (
      <a href={address} onClick={follow}>
        {words}
      </a>
    ) : (
      words
    );
  };
  return (
    <>
      {named.map((value, i) => (
        <Fragment key={i}>
          {i > 0 && t("listComma")}
          {one(value)}
        </Fragment>
      ))}
    </>
  );
}

interface KnownProps extends PartProps {
  permissions: readonly string[];
}

function Known({ loop, scene, shots, permissions, onOpen }: KnownProps): JSX.Element {
  const value = (field: Loop["fields"][number]): JSX.Element | string => {
    if (field.hidden)
      return (
        <span class="quiet">
          <Icon name="lock" /> {t("fieldHidden")}
        </span>
      );
    const pending = loop.waiting?.fields[field.name];
    if (field.value === null && pending !== undefined && field.type !== "photo")
      return (
        <>
          {valueWords(field.type, pending, fieldOf(scene, field.name))}{" "}
          <span class="quiet">{t("fieldPending")}</span>
        </>
      );
    if (field.value === null) return <span class="quiet">{t("fieldEmpty")}</span>;
    if (field.type !== "photo")
      return <Value field={field} scene={scene} permissions={permissions} />;
    const digests = digestsOf(field.value);
    return <Thumbs shots={shots.filter((shot) => digests.includes(shot.digest))} onOpen={onOpen} />;
  };
  return (
    <section aria-labelledby="known-title">
      <h2 id="known-title">{t("knownTitle")}</h2>
      <dl class="known">
        {loop.fields.map((field) => (
          <div key={field.name}>
            <dt>{say(field.title)}</dt>
            <dd>{value(field)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function History({ loop, scene, onOpen }: PartProps): JSX.Element {
  return (
    <section aria-labelledby="history-title">
      <h2 id="history-title">
        {t("historyTitle")} <span class="quiet">{t("newestFirst")}</span>
      </h2>
      <ol class="history">
        {[...loop.history].reverse().map((act, i) => {
          const words = setWords(act, loop, scene);
          const shots = shotsOf(act, loop);
          return (
            <li key={loop.history.length - i} class={act.act}>
              <span class="keep small">{dayAndClock(act.at)}</span>
              <div>
                <b>{actWords(act, scene)}</b>
                {words && <span class="small dim">{words}</span>}
                {act.note && <span class="small">“{act.note}”</span>}
                {shots.length > 0 && <Thumbs shots={shots} onOpen={onOpen} />}
              </div>
              <span class="quiet right">{whoActed(act)}</span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

export function KnownAndDone(props: {
  loop: Loop;
  scene: Scene | null;
  permissions: readonly string[];
}): JSX.Element {
  const { loop, scene, permissions } = props;
  const [open, setOpen] = useState<string | null>(null);
  const shots = useMemo(() => allShots(loop), [loop]);
  useEffect(() => forgetPhotos, [loop.id]);
  const part = { loop, scene, shots, onOpen: setOpen };
  return (
    <>
      <Known {...part} permissions={permissions} />
      <History {...part} />
      {open && <Viewer shots={shots} digest={open} onChoose={setOpen} onClose={() => setOpen(null)} />}
    </>
  );
}
