// The family on the phone page: whose code is shown, who may be added, who may look, and the end by
// either side. A look at a member is recorded, so that it is taken when asked for, not by a timer.
import { type JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call, type Answer, type Problem } from "../api/client.ts";
import { t, type WordKey } from "../catalogue.ts";
import { dayAndClock } from "../format.ts";
import type { Color } from "../parts/color-chip.tsx";
import { Icon } from "../parts/icons.tsx";
import { problemWords } from "../parts/load.tsx";
import { armed } from "./entrance.tsx";

export type Family = Answer<"GET /api/v1/me/family">;
type Relation = Family["members"][number]["relation"];
const relations: Record<Relation, WordKey> = {
  child: "familyChild",
  parent: "familyParent",
  spouse: "familySpouse",
  other: "familyOther",
};

export function relationWord(relation: Relation): string {
  return t(relations[relation]);
}

export const colorOf = (one: Family["members"][number]): Color =>
  one.status === "known" ? one.color : "unknown";

export function FamilySwitch(props: {
  family: Family;
  member: number | null;
  onShow(member: number | null): void;
}): JSX.Element | null {
  const { family, member, onShow } = props;
  if (!family.members.length) return null;
  return (
    <nav class="family" aria-label={t("familyTitle")}>
      <button type="button" aria-pressed={member === null} onClick={() => onShow(null)}>
        {t("familySelf")}
      </button>
      {family.members.map((one) => (
        <button
          type="button"
          key={one.no}
          aria-pressed={member === one.person_no}
          onClick={() => onShow(one.person_no)}
        >
          <Icon name={colorOf(one)} />
          <span>
            {relationWord(one.relation)} {one.person_no}
            <small>{t(`color_${colorOf(one)}`)}</small>
          </span>
        </button>
      ))}
    </nav>
  );
}

function AddMember({ onChange }: { onChange(): void }): JSX.Element | null {
  const [stub, setStub] = useState("");
  const [subject, setSubject] = useState("");
  const [relation, setRelation] = useState<Relation>("parent");
  const [wrong, setWrong] = useState("");
  useEffect(() => {
    call("GET /api/v1/public/about").then(
      (about) => setStub(about.identity_providers.find((one) => one.stub)?.name ?? ""),
      () => {},
    );
  }, []);
  async function add(event: Event): Promise<void> {
    event.preventDefault();
    setWrong("");
    try {
      await armed();
      await call("POST /api/v1/me/family", {
        body: { provider: stub, person_no: Number(subject), relation },
      });
      setSubject("");
      onChange();
    } catch (reason) {
      setWrong(problemWords(reason as Problem));
    }
  }
  if (!stub) return null;
  return (
    <form class="stub-form family-form" onSubmit={(event) => void add(event)}>
      <p class="dim">{t("familyConsent")}</p>
      <label class="field">
        {t("meLoginField")}
        <input
          name="member"
          required
          autocomplete="off"
          inputMode="numeric"
          pattern="[0-9]{1,9}"
          value={subject}
          onInput={(event) => setSubject(event.currentTarget.value)}
        />
      </label>
      <label class="field">
        {t("familyRelation")}
        <select
          name="relation"
          value={relation}
          onChange={(event) => setRelation(event.currentTarget.value as Relation)}
        >
          {(Object.keys(relations) as Relation[]).map((one) => (
            <option key={one} value={one}>
              {relationWord(one)}
            </option>
          ))}
        </select>
      </label>
      {wrong && (
        <p class="notice bad" role="alert">
          {wrong}
        </p>
      )}
      <button class="button" type="submit">
        {t("familyAdd")}
      </button>
    </form>
  );
}

export function FamilyCare({
  family,
  onChange,
}: {
  family: Family;
  onChange(): void;
}): JSX.Element {
  const [wrong, setWrong] = useState("");
  async function end(no: number): Promise<void> {
    setWrong("");
    try {
      await armed();
      await call("DELETE /api/v1/me/family/{no}", { path: { no: String(no) } });
    } catch (reason) {
      setWrong(problemWords(reason as Problem));
    }
    onChange();
  }
  function row(no: number, words: string): JSX.Element {
    return (
      <li key={no}>
        {words}{" "}
        <button class="button" type="button" onClick={() => void end(no)}>
          {t("familyEnd")}
        </button>
      </li>
    );
  }
  return (
    <details class="phone-more family-care">
      <summary>{t("familyTitle")}</summary>
      <ul class="reasons">
        {family.members.map((one) =>
          row(
            one.no,
            t("familyMember", {
              who: `${relationWord(one.relation)} ${one.person_no}`,
              time: dayAndClock(one.represented_until),
            }),
          ),
        )}
        {family.representatives.map((one) =>
          row(
            one.no,
            t("familyRepresentative", {
              who: String(one.person_no),
              time: dayAndClock(one.represented_until),
            }),
          ),
        )}
      </ul>
      {wrong && (
        <p class="notice bad" role="alert">
          {wrong}
        </p>
      )}
      <AddMember onChange={onChange} />
    </details>
  );
}
