// Venues from a spreadsheet: tried first, then registered; what was rejected stands row by row.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { asProblem, call, type Answer, type Problem } from "../../api/client.ts";
import { t, type WordKey } from "../../catalogue.ts";
import { count } from "../../format.ts";
import { focusOn, useKeys } from "../../parts/keys.tsx";
import { problemWords } from "../../parts/load.tsx";

type Result = Answer<"POST /api/v1/venues:import">;

const columns = [
  "venue_id",
  "name",
  "area",
  "category",
  "lat",
  "lon",
  "check_level",
  "unit_id",
] as const;

// The server says why in English; what it says of venues stands here in both languages.
const reasons: [RegExp, WordKey][] = [
  [/^missing$/, "reject_missing"],
  [/^no such venue category$/, "reject_category"],
  [/^no such area code$/, "reject_areaCode"],
  [/^not an area of your own$/, "reject_areaOwn"],
  [/^it lies outside your area already$/, "reject_areaTaken"],
  [/^not degrees/, "reject_degrees"],
  [/^not a whole number/, "reject_whole"],
  [/^no such external id/, "reject_unit"],
  [/bytes/, "reject_long"],
];

const reasonWords = (reason: string): string => {
  const known = reasons.find(([form]) => form.test(reason));
  return known ? t(known[1]) : reason;
};

function Counts({ result }: { result: Result }): JSX.Element {
  const figures = [
    ["importRows", result.rows],
    ["importInserted", result.inserted],
    ["importMerged", result.merged],
    ["importUnchanged", result.unchanged],
    ["importRejected", result.rejected],
  ] as const;
  return (
    <dl class="facts import-counts">
      {figures.map(([key, value]) => (
        <div key={key} data-count={key}>
          <dt>{t(key)}</dt>
          <dd>{count(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Rejects({ result }: { result: Result }): JSX.Element {
  return (
    <>
      <h3>{t("rejectsTitle", { count: count(result.rejected) })}</h3>
      {result.rejects.length < result.rejected && (
        <p class="quiet">{t("rejectsFirst", { count: count(result.rejects.length) })}</p>
      )}
      <div class="scroll-x" tabIndex={0} role="region" aria-label={t("rejectsLabel")}>
        <table class="rejects">
          <thead>
            <tr>
              <th scope="col" class="right">
                {t("rejectRow")}
              </th>
              <th scope="col">{t("rejectField")}</th>
              <th scope="col">{t("rejectReason")}</th>
              {result.columns.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {result.rejects.map((row) => (
              <tr key={`${row.row} ${row.field}`}>
                <th scope="row" class="right">
                  {row.row}
                </th>
                <td>{row.field || "—"}</td>
                <td class="reason">{reasonWords(row.reason)}</td>
                {result.columns.map((name, i) => (
                  <td key={name} class={name === row.field ? "bad" : undefined}>
                    {row.values[i] ?? ""}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

export function UploadPane({ onBack, onChange }: { onBack(): void; onChange(): void }): JSX.Element {
  const [file, setFile] = useState<File | null>(null);
  const [source, setSource] = useState("default");
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<Result | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const field = useRef<HTMLInputElement>(null);
  useKeys({ Escape: onBack });
  useEffect(() => focusOn("venue-sheet"), []);
  async function send(dry: boolean): Promise<void> {
    if (!file || busy) return;
    setBusy(true);
    setProblem(null);
    setResult(null);
    try {
      const answer = await call("POST /api/v1/venues:import", {
        query: { source, dry_run: dry ? "true" : "" },
        file,
      });
      setResult(answer);
      if (!dry) onChange();
    } catch (reason) {
      setProblem(asProblem(reason));
    }
    setBusy(false);
  }
  return (
    <section class="venue" aria-labelledby="upload-title">
      <div class="bar-line">
        <button class="button slim" type="button" onClick={onBack}>
          {t("venueBack")} <kbd>Esc</kbd>
        </button>
      </div>
      <h1 id="upload-title">{t("uploadTitle")}</h1>
      <p>{t("uploadMeans")}</p>
      <div class="scroll-x" tabIndex={0} role="region" aria-label={t("uploadColumns")}>
        <table class="upload-columns">
          <thead>
            <tr>
              <th scope="col">{t("uploadColumn")}</th>
              <th scope="col">{t("uploadHolds")}</th>
            </tr>
          </thead>
          <tbody>
            {columns.map((name) => (
              <tr key={name}>
                <th scope="row">
                  <code>{name}</code>
                </th>
                <td>{t(`column_${name}`)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <form
        class="step-form"
        onSubmit={(event) => {
          event.preventDefault();
          void send(true);
        }}
      >
        <div class="form-fields">
          <div class="field">
            <label for="venue-sheet">{t("uploadFile")}</label>
            <input
              id="venue-sheet"
              ref={field}
              type="file"
              accept=".csv,.xlsx,.ndjson"
              onChange={(event) => {
                setFile(event.currentTarget.files?.[0] ?? null);
                setResult(null);
                setProblem(null);
              }}
            />
          </div>
          <div class="field">
            <label for="venue-source">{t("uploadSource")}</label>
            <input
              id="venue-source"
              value={source}
              maxLength={64}
              onInput={(event) => setSource(event.currentTarget.value)}
            />
            <span class="quiet">{t("uploadSourceHint")}</span>
          </div>
        </div>
        <div class="bar-line">
          <button class="button" type="submit" disabled={!file || busy}>
            {t("uploadTry")}
          </button>
          <button
            class="button main"
            type="button"
            disabled={!file || busy}
            onClick={() => void send(false)}
          >
            {t("uploadDo")}
          </button>
          {!file && <span class="quiet">{t("uploadNoFile")}</span>}
          {busy && (
            <span class="dim" role="status">
              {t("uploadBusy")}…
            </span>
          )}
        </div>
      </form>
      {problem && (
        <p class="notice bad" role="alert">
          {problem.errors[0]
            ? t("uploadRefused", { field: problem.errors[0].field, reason: problem.errors[0].reason })
            : problemWords(problem)}
        </p>
      )}
      {result && (
        <>
          <p class={`notice ${result.rejected ? "" : "good"}`} role="status">
            {t(result.dry_run ? "uploadTried" : "uploadDone", {
              inserted: count(result.inserted),
              rejected: count(result.rejected),
              import: result.import ?? "—",
            })}
          </p>
          <Counts result={result} />
          {result.notes.length > 0 && (
            <ul class="quiet">
              {result.notes.map((note) => (
                <li key={note}>{note}</li>
              ))}
            </ul>
          )}
          {result.rejected > 0 && <Rejects result={result} />}
        </>
      )}
    </section>
  );
}
