// What else is known of a person or a unit: loops about it; stays, sources and looks of a person, each
// read only when the reader opens it, because each read is recorded.
import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { call, type Answer } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { dayAndClock } from "../../format.ts";
import { useCityNow } from "../../parts/city-clock.ts";
import { Icon } from "../../parts/icons.tsx";
import { problemWords, useLoad } from "../../parts/load.tsx";
import { usePages, type Pages } from "../../parts/pages.ts";
import { purposeWords } from "../../parts/purpose.tsx";
import { follow, go } from "../../router.ts";
import { areaWords, say } from "../loops/definitions.ts";
import { seatWords, standing, type Row } from "../loops/words.ts";
import { actWords, fieldWords } from "./words.tsx";

interface PartProps {
  no: number;
  purpose: string;
}

/** Failure, waiting, nothing, or the rows; and the button for more of them. */
export function PageOf<T>(props: {
  pages: Pages<T>;
  none: string;
  children: ComponentChildren;
}): JSX.Element {
  const { pages, none, children } = props;
  return (
    <>
      {pages.rows.length > 0 && children}
      {pages.read && !pages.rows.length && <p class="dim small">{none}</p>}
      {!pages.read && !pages.problem && (
        <p class="dim small" role="status">
          {t("loading")}…
        </p>
      )}
      {pages.problem && (
        <p class="notice bad" role="alert">
          {problemWords(pages.problem)}
          <button class="button slim" type="button" onClick={() => pages.more()}>
            {t("retry")}
          </button>
        </p>
      )}
      {pages.next && pages.read && !pages.problem && (
        <button class="button slim" type="button" disabled={pages.busy} onClick={() => pages.more()}>
          {t("moreRows")}
        </button>
      )}
    </>
  );
}

// ---- Loops

function LoopLine({ row, now }: { row: Row; now: number | null }): JSX.Element {
  const { tone, icon, words } = standing(row, now);
  return (
    <li>
      <span class={`shape ${tone}`}>
        <Icon name={icon} />
      </span>
      <span class="what">
        <a href={`/loops/${row.id}`} onClick={follow}>
          {say(row.title)}
        </a>
        <span class="small dim">
          {t("loopNumber", { id: row.id })} · {say(row.stage_title)} ·{" "}
          {row.owner.form === "unit" && row.owner.no ? (
            <a href={`/people/units/${row.owner.no}`} onClick={follow}>
              {seatWords(row.owner)}
            </a>
          ) : (
            seatWords(row.owner)
          )}
        </span>
      </span>
      <b class={`small keep ${tone}`}>{words}</b>
    </li>
  );
}

export function LoopsAbout(props: {
  kind: "person" | "unit";
  no: number;
  purpose?: string;
}): JSX.Element {
  const { kind, no, purpose } = props;
  const now = useCityNow();
  const pages = usePages<Row>(`loops-${kind}-${no}-${purpose ?? ""}`, (after) => {
    const query = { limit: 100, ...(after && { after }) };
    return kind === "unit"
      ? call("GET /api/v1/units/{no}/loops", { path: { no }, query })
      : call("GET /api/v1/persons/{no}/loops", { path: { no }, query, purpose: purpose ?? "" });
  });
  return (
    <section aria-labelledby="about-title">
      <h2 id="about-title">{t("loopsAboutTitle")}</h2>
      <PageOf pages={pages} none={t(kind === "unit" ? "loopsAboutUnitNone" : "loopsAboutNone")}>
        <ul class="loops-about">
          {pages.rows.map((row) => (
            <LoopLine key={row.id} row={row} now={now} />
          ))}
        </ul>
      </PageOf>
    </section>
  );
}

/** The form to open a loop about it, with the subject filled in. */
export function OpenLoopAbout({ kind, no }: { kind: "person" | "unit"; no: number }): JSX.Element | null {
  const scenes = useLoad("scenes", (signal) => call("GET /api/v1/scenes", { signal }));
  const [name, setName] = useState("");
  const fitting = (scenes.value?.items ?? []).filter(
    (scene) => scene.by_hand && scene.subject.kind === kind,
  );
  if (!fitting.length) return null;
  return (
    <form
      class="open-about bar-line"
      onSubmit={(event) => {
        event.preventDefault();
        if (name) go(`/loops/new?open=${encodeURIComponent(name)}&subject=${no}`);
      }}
    >
      <label for="open-about">{t("openAbout")}</label>
      <select id="open-about" value={name} onChange={(event) => setName(event.currentTarget.value)}>
        <option value="">{t("choose")}</option>
        {fitting.map((scene) => (
          <option key={scene.name} value={scene.name}>
            {say(scene.title)}
          </option>
        ))}
      </select>
      <button class="button slim" type="submit" disabled={!name}>
        {t("openAboutGo")}
      </button>
    </form>
  );
}

// ---- Parts that are opened one by one

function Part(props: { title: string; note: string; children(): JSX.Element }): JSX.Element {
  const [open, setOpen] = useState(false);
  return (
    <section>
      <h2>{props.title}</h2>
      {open ? (
        props.children()
      ) : (
        <p class="bar-line">
          <button
            class="button slim"
            type="button"
            aria-label={t("partOpenNamed", { part: props.title })}
            onClick={() => setOpen(true)}
          >
            <Icon name="lock" />
            {t("partOpen")}
          </button>
          <span class="quiet">{props.note}</span>
        </p>
      )}
    </section>
  );
}

type Stay = Answer<"GET /api/v1/persons/{no}/stays">["items"][number];

function OpenStays({ no, purpose }: PartProps): JSX.Element {
  const now = useCityNow();
  const pages = usePages<Stay>(`stays-${no}`, (after) =>
    call("GET /api/v1/persons/{no}/stays", {
      path: { no },
      query: { limit: 100, ...(after && { after }) },
      purpose,
    }),
  );
  return (
    <PageOf pages={pages} none={t("staysNone")}>
      <ul class="record-lines">
        {pages.rows.map((stay) => (
          <li key={stay.stay_no}>
            <b>{areaWords(stay.area)}</b>
            <span>
              {t("stayLine", {
                from: dayAndClock(stay.from),
                until: stay.until ? dayAndClock(stay.until) : t("statusOpenEnd"),
              })}
            </span>
            {stay.unit_no !== null && (
              <a href={`/people/units/${stay.unit_no}`} onClick={follow}>
                {t("seatUnit", { no: stay.unit_no })}
              </a>
            )}
            {stay.until && now !== null && Date.parse(stay.until) / 1000 < now && (
              <span class="quiet">{t("stayOver")}</span>
            )}
          </li>
        ))}
      </ul>
    </PageOf>
  );
}

export const Stays = (props: PartProps): JSX.Element => (
  <Part title={t("staysTitle")} note={t("staysNote")}>
    {() => <OpenStays {...props} />}
  </Part>
);

function OpenSources({ no, purpose }: PartProps): JSX.Element {
  const pages = usePages(`sources-${no}`, async () => ({
    ...(await call("GET /api/v1/persons/{no}/sources", { path: { no }, purpose })),
    next: null,
  }));
  return (
    <>
      <PageOf pages={pages} none={t("sourcesNone")}>
        <ul class="record-lines">
          {pages.rows.map((one, i) => (
            <li key={i}>
              <b>{one.source}</b>
              <span>
                {one.import_no === null
                  ? t("sourceBuilt")
                  : t("sourceImport", { no: one.import_no, time: dayAndClock(one.imported_at) })}
              </span>
            </li>
          ))}
        </ul>
      </PageOf>
      <p class="quiet">{t("mergeNote")}</p>
    </>
  );
}

export const Sources = (props: PartProps): JSX.Element => (
  <Part title={t("sourcesTitle")} note={t("sourcesNote")}>
    {() => <OpenSources {...props} />}
  </Part>
);

type Look = Answer<"GET /api/v1/persons/{no}/looks">["items"][number];

function OpenLooks({ no, purpose }: PartProps): JSX.Element {
  const pages = usePages<Look>(`looks-${no}`, (after) =>
    call("GET /api/v1/persons/{no}/looks", {
      path: { no },
      query: { limit: 50, ...(after && { after }) },
      purpose,
    }),
  );
  return (
    <PageOf pages={pages} none={t("looksNone")}>
      <ul class="looks">
        {pages.rows.map((look, i) => (
          <li key={i}>
            <span class="keep small">{dayAndClock(look.at)}</span>
            <span>
              <b>{say(look.office)}</b> {look.user} · {actWords(look.act)}
              <span class="small dim block">
                {[look.purpose && purposeWords(look.purpose), fieldWords(look.fields)]
                  .filter(Boolean)
                  .join(" · ")}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </PageOf>
  );
}

export const Looks = (props: PartProps): JSX.Element => (
  <Part title={t("looksTitle")} note={t("looksNote")}>
    {() => <OpenLooks {...props} />}
  </Part>
);
