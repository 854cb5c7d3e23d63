// What everybody may know: the rules in force with their legal basis, how long each kind of record is
// kept and whether the end is planned, the head of the audit chain. No person stands here.
import type { JSX } from "preact";
import { call, type Answer } from "../api/client.ts";
import { t, type WordKey } from "../catalogue.ts";
import { dayAndClock, dayLong } from "../format.ts";
import { problemWords, useLoad, type Loaded } from "../parts/load.tsx";
import { useSettings } from "../parts/switches.tsx";
import { settings } from "../settings.ts";
import { Alert, Frame, start } from "./frame.tsx";

type Rules = Answer<"GET /api/v1/public/rules">;
type Keeping = Answer<"GET /api/v1/public/keeping">;
type Head = Answer<"GET /api/v1/public/audit-head">;

const states: Record<Keeping["state"], WordKey> = {
  none: "sunsetNone",
  planned: "sunsetPlanned",
  begun: "sunsetBegun",
  done: "sunsetDone",
};

function Part<T>(props: {
  title: string;
  loaded: Loaded<T>;
  draw(value: T): JSX.Element;
}): JSX.Element {
  const { title, loaded, draw } = props;
  return (
    <section class="public-part">
      <h2>{title}</h2>
      {loaded.value !== null && draw(loaded.value)}
      {loaded.problem && <Alert words={problemWords(loaded.problem)} />}
      {loaded.value === null && !loaded.problem && <p role="status">{t("loading")}…</p>}
    </section>
  );
}

function RulesInForce({ rules }: { rules: Rules }): JSX.Element {
  if (!rules.items.length) return <p>{t("rulesNone")}</p>;
  return (
    <ul class="reasons">
      {rules.items.map((one) => (
        <li key={one.rule_set}>
          <b>{one.title[settings.language]}</b>
          <br />
          {t("publicRulesBasis", { words: one.legal_basis[settings.language] })}
          <br />
          <span class="dim">
            {t("publicRulesFrom", { version: one.version, day: one.valid_from.slice(0, 10) })}{" "}
            {one.valid_to
              ? t("publicRulesTo", { day: one.valid_to.slice(0, 10) })
              : t("rulesOpen")}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Kept({ keeping }: { keeping: Keeping }): JSX.Element {
  const counted = keeping.classes.filter((one) => one.days !== null);
  const rest = keeping.classes.filter((one) => one.days === null);
  const row = (one: Keeping["classes"][number]): JSX.Element => (
    <tr key={one.class}>
      <th scope="row">{settings.language === "zh" ? one.title_zh : one.title_en}</th>
      <td class="right">
        {one.days !== null
          ? t("keptDays", { n: one.days })
          : t(one.at_sunset === "destroy" ? "keptToEnd" : "keptOn")}
      </td>
    </tr>
  );
  return (
    <>
      <p>{t(states[keeping.state])}</p>
      <details class="phone-more">
        <summary>{t("keptTitle")}</summary>
        <table class="kept">
          <tbody>{[...counted, ...rest].map(row)}</tbody>
        </table>
      </details>
      <p class="quiet">{t("phoneAsOf", { time: dayAndClock(keeping.as_of) })}</p>
    </>
  );
}

function AuditHead({ head }: { head: Head }): JSX.Element {
  return (
    <>
      <p>{t("auditMeans")}</p>
      <dl class="audit-head">
        <dt>{t("auditNo")}</dt>
        <dd>{head.no}</dd>
        <dt>{t("auditAt")}</dt>
        <dd>{`${dayLong(head.real_at)} ${head.real_at.slice(11, 19)}`}</dd>
        <dt>{t("auditHash")}</dt>
        <dd class="long">{head.hash}</dd>
        <dt>{t("auditSignature")}</dt>
        <dd class="long">{head.signature}</dd>
      </dl>
    </>
  );
}

function PublicPage(): JSX.Element {
  useSettings();
  const rules = useLoad<Rules>("rules", (signal) =>
    call("GET /api/v1/public/rules", { signal }),
  );
  const keeping = useLoad<Keeping>("keeping", (signal) =>
    call("GET /api/v1/public/keeping", { signal }),
  );
  const head = useLoad<Head>("head", (signal) =>
    call("GET /api/v1/public/audit-head", { signal }),
  );
  return (
    <Frame title={t("publicPage")}>
      <section class="public-part">
        <h2>{t("publicPlaces")}</h2>
        <p class="hatched not-fed">
          <span>{t("placesNotFed")}</span>
        </p>
      </section>
      <Part title={t("publicRulesTitle")} loaded={rules} draw={(value) => <RulesInForce rules={value} />} />
      <Part title={t("sunsetTitle")} loaded={keeping} draw={(value) => <Kept keeping={value} />} />
      <Part title={t("auditTitle")} loaded={head} draw={(value) => <AuditHead head={value} />} />
      <p>
        <a class="door" href="/staff">{t("staffDoor")}</a>
      </p>
    </Frame>
  );
}

start(<PublicPage />);
