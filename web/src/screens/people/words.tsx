// A person and what is said of one, in words.
import type { JSX } from "preact";
import type { Answer } from "../../api/client.ts";
import { t, wordFor } from "../../catalogue.ts";
import { settings } from "../../settings.ts";
import type { Session } from "../login.tsx";

export type Status = Answer<"GET /api/v1/persons/{no}/status">;
export type Piece = Answer<"GET /api/v1/persons/{no}/evidence">["items"][number];
export type Redress = Answer<"GET /api/v1/persons/{no}/redress">;

/** Why a field is empty: the role is not shown it, or nobody knows it. */
export const missingWords = (reads: Session["reads"], field: string): string =>
  t(field in reads ? "notOnRecord" : "nameHidden");

/** Names are Chinese whatever the page's language: rare characters and interpuncts need its fonts. */
export function PersonName(props: {
  name: string | null;
  reads: Session["reads"];
}): JSX.Element {
  const { name, reads } = props;
  if (!name) return <span class="quiet">{missingWords(reads, "name")}</span>;
  return (
    <span class="person-name" lang="zh-CN" translate={false}>
      {name}
    </span>
  );
}

const sexWords = (sex: string | null): string => (sex ? (wordFor("sex", sex) ?? "") : "");

/** The year, or the decade where no more is shown. */
export function bornWords(person: { birth_year: number | null; sex: string | null }): string {
  if (!person.birth_year) return "";
  const year = person.sex ? t("bornYear", { year: person.birth_year }) : t("bornDecade", { year: person.birth_year });
  return [year, sexWords(person.sex)].filter(Boolean).join(settings.language === "zh" ? "，" : ", ");
}

export const kindOfPiece = (kind: string): string => wordFor("piece", kind) ?? kind;
export const detailOfPiece = (detail: string | null): string =>
  detail ? (wordFor("detail", detail) ?? detail) : "";
export const reasonCodeWords = (code: string): string => wordFor("reasonCode", code) ?? code;

const ignoredKeys: Record<string, "ignoredRequester" | "ignoredApprovers" | "ignoredCode" | "ignoredBackwards" | "ignoredLong"> = {
  "the requester is among the approvers": "ignoredRequester",
  "not enough different approvers": "ignoredApprovers",
  "the reason code is not one of the rule set's": "ignoredCode",
  "it expires before it begins": "ignoredBackwards",
  "it lasts longer than allowed": "ignoredLong",
};

/** Why a piece was left aside: the server says it in English. */
export function ignoredWords(reason: string): string {
  const key = ignoredKeys[reason];
  return key && settings.language === "zh" ? t(key) : reason;
}

export const actWords = (act: string): string => wordFor("look", act.replaceAll(".", "_")) ?? act;

/** "name in part,phone": what a look showed, in words. */
export const fieldWords = (fields: string): string =>
  fields
    .split(",")
    .filter(Boolean)
    .map((field) => {
      const [name, part] = [field.replace(/ in part$/, ""), field.endsWith(" in part")];
      const words = wordFor("field", name) ?? name;
      return part ? t("fieldInPart", { field: words }) : words;
    })
    .join(settings.language === "zh" ? "、" : ", ");
