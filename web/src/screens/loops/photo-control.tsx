// Sending photos from a form: chosen or taken, drawn anew without what the camera wrote into them,
// sent at once with its progress, and named by the form's field. What could not be sent says why and
// can be tried again; until then the form cannot be mistaken for whole.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { Icon } from "../../parts/icons.tsx";
import { bytesWords, photoLimits, PhotoRefusal, prepare, readPhoto, send, typesWords } from "./photo-file.ts";
import type { Limits } from "./photo-file.ts";
import { PhotoCanvas } from "./photo-viewer.tsx";
import { refusalWords } from "./words.ts";

/** Stands in a form for a photo that the server does not have yet: it refuses it at its field. */
const notSentYet = "…";

interface Item {
  key: number;
  name: string;
  photo: Blob | null; // null: it was given before
  digest: string | null;
  share: number;
  /** Why it is not sent; "" where it is on its way or there. */
  failed: string;
}

interface Props {
  id: string;
  name: string;
  label: string;
  /** How many the field takes. */
  most: number;
  /** Digests, one a line. */
  text: string;
  describedBy: string | undefined;
  invalid: boolean;
  required: boolean;
  onText(text: string): void;
}

let lastKey = 0;

const given = (text: string): Item[] =>
  text
    .split("\n")
    .filter((line) => line && line !== notSentYet)
    .map((digest) => ({ key: ++lastKey, name: "", photo: null, digest, share: 1, failed: "" }));

function Row({ item, onAgain, onRemove }: { item: Item; onAgain(): void; onRemove(): void }): JSX.Element {
  const under = item.digest === null && !item.failed;
  const { photo, digest } = item;
  return (
    <li class={item.failed ? "failed" : under ? "under-way" : "sent"} data-sending={item.failed ? "failed" : under ? "under-way" : "sent"}>
      <span class="small-photo">
        <PhotoCanvas
          label={item.name || t("photoGiven")}
          digest={String(item.key)}
          read={() => (photo ? Promise.resolve(photo) : readPhoto(digest ?? ""))}
          box={() => ({ width: 72, height: 48 })}
        />
      </span>
      <span class="what small">
        <span>
          {item.name || t("photoGiven")}
          {photo && <span class="quiet"> {bytesWords(photo.size)}</span>}
        </span>
        {under && (
          <progress max={1} value={item.share} aria-label={t("photoSending")}>
            {Math.round(item.share * 100)} %
          </progress>
        )}
        {digest !== null && (
          <span class="good-words">
            <Icon name="tick" /> {t("photoSent")}
          </span>
        )}
        {item.failed && (
          <span class="error" role="alert">
            {item.failed}
          </span>
        )}
      </span>
      {item.failed && (
        <button class="button slim" type="button" onClick={onAgain}>
          {t("photoAgain")}
        </button>
      )}
      <button
        class="button slim"
        type="button"
        aria-label={t("photoRemoveOf", { name: item.name || t("photoGiven") })}
        onClick={onRemove}
      >
        {t("photoRemove")}
      </button>
    </li>
  );
}

function Picker(props: {
  id: string;
  name: string;
  words: string;
  label: string;
  types: string;
  camera: boolean;
  several: boolean;
  describedBy: string | undefined;
  invalid: boolean;
  required: boolean;
  onFiles(files: File[]): void;
}): JSX.Element {
  const { id, name, words, label, types, camera, several, describedBy, invalid, required } = props;
  return (
    <span class={`picker${camera ? " camera" : ""}`}>
      <input
        id={id}
        name={name}
        class="sr"
        type="file"
        accept={types}
        {...(camera && { capture: "environment" as const })}
        multiple={several && !camera}
        aria-label={t("photoPickerOf", { words, label })}
        aria-describedby={describedBy}
        aria-invalid={invalid || undefined}
        aria-required={required || undefined}
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          event.currentTarget.value = ""; // the same file may be chosen again
          props.onFiles(files);
        }}
      />
      <label class="button" for={id} aria-hidden="true">
        {words}
      </label>
    </span>
  );
}

export function PhotoControl(props: Props): JSX.Element {
  const { id, name, label, most, text, describedBy, invalid, required, onText } = props;
  const [items, setItems] = useState<Item[]>(() => given(text));
  const [refused, setRefused] = useState("");
  const [limits, setLimits] = useState<Limits | null>(null);
  const latest = useRef(items);
  const tell = useRef(onText); // the form's own, of its last drawing: what was typed since stays
  tell.current = onText;
  const told = useRef(text);
  const sending = useRef(new Map<number, AbortController>());
  const here = useRef(true);

  useEffect(() => {
    photoLimits().then(setLimits, (reason: unknown) => setRefused(refusalWords(asProblem(reason))));
    return () => {
      here.current = false;
      for (const abort of sending.current.values()) abort.abort();
    };
  }, []);

  function show(next: Item[]): void {
    if (!here.current) return;
    latest.current = next;
    setItems(next);
    const words = next.map((item) => item.digest ?? notSentYet).join("\n");
    if (words === told.current) return;
    told.current = words;
    tell.current(words);
  }
  const change = (key: number, what: Partial<Item>): void =>
    show(latest.current.map((item) => (item.key === key ? { ...item, ...what } : item)));

  async function sendOne(key: number, photo: Blob): Promise<void> {
    const abort = new AbortController();
    sending.current.set(key, abort);
    change(key, { share: 0, failed: "" });
    try {
      const digest = await send(photo, (share) => change(key, { share }), abort.signal);
      change(key, { digest, share: 1 });
    } catch (reason) {
      if (!abort.signal.aborted) change(key, { failed: refusalWords(asProblem(reason)) });
    } finally {
      sending.current.delete(key);
    }
  }

  async function take(files: readonly File[]): Promise<void> {
    setRefused("");
    for (const file of files) {
      if (most > 1 && latest.current.length >= most) {
        setRefused(t("photoMost", { most }));
        return;
      }
      try {
        const photo = await prepare(file);
        if (!here.current) return;
        if (most === 1) for (const abort of sending.current.values()) abort.abort();
        const item = { key: ++lastKey, name: file.name, photo, digest: null, share: 0, failed: "" };
        show(most > 1 ? [...latest.current, item] : [item]);
        void sendOne(item.key, photo);
      } catch (reason) {
        setRefused(
          reason instanceof PhotoRefusal ? reason.message : refusalWords(asProblem(reason)),
        );
      }
    }
  }

  // The button that was pressed goes: the focus stays in the form.
  const focusPicker = (): void => document.getElementById(id)?.focus();
  function remove(item: Item): void {
    sending.current.get(item.key)?.abort();
    show(latest.current.filter((one) => one.key !== item.key));
    focusPicker();
  }
  function again(item: Item): void {
    if (item.photo) void sendOne(item.key, item.photo);
    focusPicker();
  }
  const picker = (which: string, words: string, camera: boolean): JSX.Element => (
    <Picker
      id={which}
      name={camera ? `${name}-camera` : name}
      words={words}
      label={label}
      types={limits?.types.join(",") ?? "image/*"}
      camera={camera}
      several={most > 1}
      describedBy={[describedBy, `${id}-limits`].filter(Boolean).join(" ")}
      invalid={invalid}
      required={required}
      onFiles={(files) => void take(files)}
    />
  );
  return (
    <div class="photo-control">
      <div class="bar-line">
        {picker(id, t(most > 1 ? "photosChoose" : "photoChoose"), false)}
        {picker(`${id}-camera`, t("photoTake"), true)}
      </div>
      <span class="quiet" id={`${id}-limits`}>
        {limits &&
          t("photoLimits", {
            types: typesWords(limits.types),
            bytes: bytesWords(limits.bytes_max),
          })}{" "}
        {t("photoClean")}
      </span>
      {refused && (
        <span class="error" role="alert">
          {refused}
        </span>
      )}
      {items.length > 0 && (
        <ul class="photo-items">
          {items.map((item) => (
            <Row
              key={item.key}
              item={item}
              onAgain={() => again(item)}
              onRemove={() => remove(item)}
            />
          ))}
        </ul>
      )}
    </div>
  );
}
