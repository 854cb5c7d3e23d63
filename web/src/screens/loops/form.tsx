// A form made from the fields of a scene: a control for each type, the server's refusal at the field
// that it names. Nothing is checked here that the server does not check: what was typed goes as it is.
import type { JSX } from "preact";
import type { Refusal } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { areaName } from "../../format.ts";
import { cityOffset } from "../../parts/city-clock.ts";
import { say, type Area, type Field } from "./definitions.ts";
import { PhotoControl } from "./photo-control.tsx";
import { choiceWords, hintWords, reasonWords } from "./words.ts";

/** What stands in the controls, by field: always text, choices of a list one a line. */
export type Draft = Record<string, string>;

const longText = 120;

/** The value as the interface wants it; undefined: nothing was given. */
function valueOf(field: Field, text: string): unknown {
  const trimmed = text.trim();
  if (!trimmed) return undefined;
  if (field.list)
    return trimmed
      .split(/\n/)
      .map((line) => oneValue(field, line.trim()))
      .filter((one) => one !== undefined);
  return oneValue(field, text);
}

function oneValue(field: Field, text: string): unknown {
  if (!text) return undefined;
  const asNumber = Number(text);
  if (field.type === "bool") return text === "true";
  if (field.type === "int" || field.type === "number" || (field.refers && !field.by_code))
    return Number.isFinite(asNumber) ? asNumber : text;
  if (field.type === "time")
    return `${text.length === 16 ? `${text}:00` : text}${cityOffset()}`;
  return text;
}

export function valuesOf(fields: readonly Field[], draft: Draft): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const field of fields) {
    const value = valueOf(field, draft[field.name] ?? "");
    if (value !== undefined) values[field.name] = value;
  }
  return values;
}

/** What a field holds already, as it would be typed in. */
export function draftOf(field: Field, value: unknown): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map((one) => draftOf(field, one)).join("\n");
  if (field.type === "time") return String(value).slice(0, 16);
  return String(value);
}

interface ControlProps {
  id: string;
  field: Field;
  areas: readonly Area[];
  text: string;
  describedBy: string | undefined;
  invalid: boolean;
  onText(text: string): void;
}

export function AreaChoice({ areas }: { areas: readonly Area[] }): JSX.Element {
  const districts = areas.filter((area) => area.level <= 2);
  return (
    <>
      <option value="">{t("choose")}</option>
      {districts.map((district) => (
        <optgroup key={district.code} label={areaName(district)}>
          <option value={district.code}>{t("areaWhole", { area: areaName(district) })}</option>
          {district.level === 2 &&
            areas
              .filter((town) => town.level === 3 && town.parent === district.code)
              .map((town) => (
                <option key={town.code} value={town.code}>
                  {areaName(town)}
                </option>
              ))}
        </optgroup>
      ))}
    </>
  );
}

function ListOfChoices({ field, text, onText, describedBy }: ControlProps): JSX.Element {
  const chosen = text ? text.split("\n") : [];
  return (
    <div class="choices" role="group" aria-label={say(field.title)} aria-describedby={describedBy}>
      {field.values.map((value) => (
        <label key={value}>
          <input
            type="checkbox"
            checked={chosen.includes(value)}
            onChange={(event) =>
              onText(
                (event.currentTarget.checked
                  ? [...chosen, value]
                  : chosen.filter((one) => one !== value)
                ).join("\n"),
              )
            }
          />
          {choiceWords(field, value)}
        </label>
      ))}
    </div>
  );
}

function Control(props: ControlProps): JSX.Element {
  const { id, field, areas, text, describedBy, invalid, onText } = props;
  const shared = {
    id,
    name: field.name,
    "aria-describedby": describedBy,
    "aria-invalid": invalid || undefined,
    "aria-required": field.required || undefined,
  };
  if (field.type === "photo")
    return (
      <PhotoControl
        id={id}
        name={field.name}
        label={say(field.title)}
        most={field.list ? (field.max ?? 1) : 1}
        text={text}
        describedBy={describedBy}
        invalid={invalid}
        required={field.required}
        onText={onText}
      />
    );
  if (field.list && field.type === "enum") return <ListOfChoices {...props} />;
  if (field.type === "enum" || field.type === "bool" || (field.type === "area" && !field.list)) {
    const choices =
      field.type === "bool"
        ? [
            { value: "true", words: t("yes") },
            { value: "false", words: t("no") },
          ]
        : field.values.map((value) => ({ value, words: choiceWords(field, value) }));
    return (
      <select {...shared} value={text} onChange={(event) => onText(event.currentTarget.value)}>
        {field.type === "area" ? (
          <AreaChoice areas={areas} />
        ) : (
          <>
            <option value="">{t("choose")}</option>
            {choices.map(({ value, words }) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </>
        )}
      </select>
    );
  }
  if (field.list || (field.type === "text" && (field.max ?? Infinity) > longText))
    return (
      <textarea
        {...shared}
        rows={3}
        value={text}
        onInput={(event) => onText(event.currentTarget.value)}
      />
    );
  const numeric = field.type === "int" || (field.refers && !field.by_code);
  const type = field.type === "time" ? "datetime-local" : field.type === "date" ? "date" : "text";
  return (
    <input
      {...shared}
      type={type}
      inputMode={numeric ? "numeric" : field.type === "number" ? "decimal" : "text"}
      autocomplete="off"
      value={text}
      onInput={(event) => onText(event.currentTarget.value)}
    />
  );
}

interface FieldsProps {
  /** Makes the ids of this form's controls its own. */
  prefix: string;
  fields: readonly Field[];
  /** Names that must be given here, whatever the scene says of them elsewhere. */
  required: readonly string[];
  areas: readonly Area[];
  draft: Draft;
  errors: readonly Refusal[];
  onDraft(draft: Draft): void;
}

export function FieldControls(props: FieldsProps): JSX.Element {
  const { prefix, fields, required, areas, draft, errors, onDraft } = props;
  return (
    <>
      {fields.map((field) => {
        const id = `${prefix}-${field.name}`;
        const error = errors.find((one) => one.field === field.name);
        const hint = hintWords(field);
        const described = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(" ");
        const must = required.includes(field.name);
        return (
          <div key={field.name} class={`form-field${error ? " bad" : ""}`} data-field={field.name}>
            <label for={id}>
              {say(field.title)}
              {must && <span class="must">{t("required")}</span>}
              {field.personal && <span class="quiet">{t("personal")}</span>}
            </label>
            <Control
              id={id}
              field={{ ...field, required: must }}
              areas={areas}
              text={draft[field.name] ?? ""}
              describedBy={described || undefined}
              invalid={Boolean(error)}
              onText={(text) => onDraft({ ...draft, [field.name]: text })}
            />
            {error && (
              <span class="error" id={`${id}-error`} role="alert">
                {reasonWords(error.reason)}
              </span>
            )}
            {hint && (
              <span class="quiet" id={`${id}-hint`}>
                {hint}
              </span>
            )}
          </div>
        );
      })}
    </>
  );
}

/** Words that say why, where a step asks for them. */
export function NoteControl(props: {
  id: string;
  text: string;
  required: boolean;
  error: Refusal | undefined;
  onText(text: string): void;
}): JSX.Element {
  const { id, text, required, error, onText } = props;
  return (
    <div class={`form-field${error ? " bad" : ""}`} data-field="note">
      <label for={id}>
        {t("note")}
        {required && <span class="must">{t("required")}</span>}
      </label>
      <textarea
        id={id}
        name="note"
        rows={2}
        value={text}
        aria-invalid={Boolean(error) || undefined}
        aria-describedby={error ? `${id}-error` : undefined}
        onInput={(event) => onText(event.currentTarget.value)}
      />
      {error && (
        <span class="error" id={`${id}-error`} role="alert">
          {reasonWords(error.reason)}
        </span>
      )}
    </div>
  );
}

/** Errors that no control of the form shows: they are said above it. */
export const errorsElsewhere = (errors: readonly Refusal[], shown: readonly string[]): Refusal[] =>
  errors.filter((error) => !shown.includes(error.field));

/** The first control that the server refused takes the focus. */
export function focusRefused(form: HTMLFormElement | null): void {
  form
    ?.querySelector<HTMLElement>(".form-field.bad :is(input, select, textarea):not([disabled])")
    ?.focus();
}
