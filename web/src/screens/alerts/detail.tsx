// One alert: what stands out, against what, why it alarmed, what else belongs to it, its loop, and what
// somebody found it to be.
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { call } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { dayAndClock, percent } from "../../format.ts";
import { useLoad, Waiting } from "../../parts/load.tsx";
import { focusOn } from "../../parts/keys.tsx";
import { follow } from "../../router.ts";
import { areaWords, readAreas, readScene, say, stageWords, type Scene } from "../loops/definitions.ts";
import { seatWords } from "../loops/words.ts";
import { SeriesChart } from "./chart.tsx";
import { JudgeForm } from "./judge.tsx";
import { LevelChip } from "./level.tsx";
import {
  amount,
  chance,
  detectorWords,
  figureWords,
  precisionWords,
  recordOf,
  sentence,
  titleWords,
  verdictWords,
  type Detector,
  type Item,
  type Whole,
} from "./words.ts";

function WorthLine({ item }: { item: Item }): JSX.Element | null {
  const cause = item.cause;
  if (!cause) return null;
  return (
    <p class="small dim" data-worth>
      {t("worthSentence", {
        value: amount(Math.round(cause.value)),
        probability: percent(cause.probability),
        people: amount(Math.round(cause.people)),
        days: cause.days,
      })}
    </p>
  );
}

function Head({ alert, item, detectors, onBack }: { alert: Whole; item: Item | null; detectors: readonly Detector[]; onBack: (() => void) | null }): JSX.Element {
  const record = recordOf(detectors, alert);
  return (
    <header class="alert-head">
      <p class="small dim bar-line">
        {onBack && (
          <button class="button slim" type="button" onClick={onBack}>
            ← {t("loopBack")} <kbd>Esc</kbd>
          </button>
        )}
        <span>
          {t("alertEyebrow", {
            id: alert.id,
            time: dayAndClock(alert.raised_at),
            source: say(alert.reported_by),
          })}
        </span>
      </p>
      <h1 id="alert-title" tabIndex={-1}>
        {sentence(alert)}
      </h1>
      <p class="bar-line">
        <LevelChip level={alert.level} />
        <span class="small">
          {detectorWords(alert.detector)}
          {record && (
            <span class="dim">
              {" · "}
              {t("recordLine", { precision: precisionWords(record.days_28) })}
            </span>
          )}
        </span>
      </p>
      {say(alert.asks) && <p>{t("alertAsks", { words: say(alert.asks) })}</p>}
      {item && <WorthLine item={item} />}
    </header>
  );
}

function Why({ alert }: { alert: Whole }): JSX.Element | null {
  const { why } = alert;
  if (alert.kind === "feed") return null;
  return (
    <section aria-labelledby="why-title">
      <h2 id="why-title">{t("alertWhyTitle")}</h2>
      <p data-quiet={why.quiet_count ?? ""}>
        {why.quiet_count === null ? t("whyQuietUnknown") : t("whyQuiet", { count: amount(why.quiet_count) })}
      </p>
      <p class="small dim">
        {alert.by_rule
          ? t("whyRule")
          : t("whyChance", {
              p: chance(alert.p_value),
              alpha: chance(why.alpha),
              night: chance(why.night_threshold),
            })}{" "}
        {why.minimum_count ? t("whyMinimum", { count: why.minimum_count }) : ""}
      </p>
    </section>
  );
}

function PlaceShares({ alert }: { alert: Whole }): JSX.Element {
  const { score, shares } = alert.place;
  if (!shares.length) return <p class="quiet">{t("placeNone")}</p>;
  return (
    <section aria-labelledby="place-title">
      <h2 id="place-title">{t("placeTitle", { score: score.toFixed(1) })}</h2>
      <ul class="shares">
        {shares.map((one) => (
          <li key={one.channel}>
            <span class="cut">{say(one.title)}</span>
            <span class="track">
              <i style={{ width: `${one.share * 100}%` }} />
            </span>
            <span class="small">
              {t("shareWords", {
                share: percent(one.share),
                contribution: one.contribution.toFixed(1),
              })}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Members({ item }: { item: Item }): JSX.Element | null {
  const members = item.cause?.members ?? [];
  if (!members.length) return null;
  return (
    <section aria-labelledby="members-title">
      <h2 id="members-title">{t("membersTitle", { count: members.length })}</h2>
      <div class="scroll-x">
        <table>
          <thead>
            <tr>
              <th scope="col">{t("thAlert")}</th>
              <th scope="col">{t("thCause")}</th>
              <th scope="col" class="right">{t("thNow")}</th>
              <th scope="col">{t("thDetector")}</th>
              <th scope="col">{t("thRaised")}</th>
            </tr>
          </thead>
          <tbody>
            {members.map((member) => (
              <tr key={member.id} data-member={member.id}>
                <th scope="row">
                  <a href={`/alerts/${member.id}`} onClick={follow}>
                    A{member.id}
                  </a>
                </th>
                <td>
                  {titleWords(member)} · {areaWords(member.area)}
                </td>
                <td class="right">
                  {figureWords(member).now}{" "}
                  <span class="dim">{figureWords(member).usual}</span>
                </td>
                <td>{detectorWords(member.detector)}</td>
                <td>{dayAndClock(member.raised_at)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function LoopLine({ no, scene }: { no: number | null; scene: Scene | null }): JSX.Element {
  const loop = useLoad(no ? `loop-${no}` : null, (signal) =>
    call("GET /api/v1/loops/{id}", { path: { id: no ?? 0 }, signal }),
  );
  const known = loop.value;
  return (
    <section aria-labelledby="loop-line-title">
      <h2 id="loop-line-title">{t("relatedTitle")}</h2>
      {no ? (
        <p>
          <a href={`/loops/${no}`} onClick={follow} data-loop={no}>
            {t("loopOf", { id: no })}
          </a>
          {known && (
            <span class="dim">
              {" "}
              {t("loopAt", {
                stage: stageWords(scene, known.stage),
                owner: seatWords(known.owner),
                time: dayAndClock(known.due_at),
              })}
            </span>
          )}
        </p>
      ) : (
        <p class="quiet">{t("loopNone")}</p>
      )}
    </section>
  );
}

function Found({ alert }: { alert: Whole }): JSX.Element | null {
  const found = alert.disposition;
  if (!found) return null;
  const values = {
    verdict: verdictWords(found.verdict),
    by: found.by,
    time: dayAndClock(found.at),
    until: dayAndClock(found.until),
  };
  return (
    <section class="found" data-found={found.verdict}>
      <p>
        <b>{found.verdict === "watch" ? t("judgedUntil", values) : t("judgedBy", values)}</b>
      </p>
      <p class="small">
        {found.words === null ? t("judgedHidden") : t("judgedWords", { words: found.words })}
      </p>
    </section>
  );
}

interface Props {
  id: number;
  /** The cause that it leads; null where it leads none that is shown. */
  item: Item | null;
  detectors: readonly Detector[];
  asOf: string;
  /** It was opened, and takes the focus; else it stands beside the list as the chosen one. */
  opened: boolean;
  mayJudge: boolean;
  /** Changes whenever it is to be read anew. */
  turn: number;
  onBack(): void;
  onDone(words: string): void;
  onConflict(words: string): void;
}

export function AlertPane(props: Props): JSX.Element {
  const { id, item, asOf, turn } = props;
  useLoad("areas", readAreas);
  const loaded = useLoad(`alert-${id}-${asOf}-${turn}`, (signal) =>
    call("GET /api/v1/alerts/{id}", { path: { id }, query: asOf ? { as_of: asOf } : {}, signal }),
  );
  const scene = useLoad("alert-scene", () => readScene("alert_disposition", null)).value;
  const alert = loaded.value;
  const isThere = alert !== null;
  useEffect(() => {
    if (isThere && props.opened) focusOn("alert-title");
  }, [id, isThere, props.opened]);
  if (!alert) return <Waiting loaded={loaded} />;
  const others = (item?.cause?.members ?? []).map((member) => member.id);
  return (
    <article class="alert-pane" data-alert={id}>
      <Head
        alert={alert}
        item={item}
        detectors={props.detectors}
        onBack={props.opened ? props.onBack : null}
      />
      {alert.kind === "signal" && alert.series.length > 0 && <SeriesChart alert={alert} />}
      <Why alert={alert} />
      {item && <Members item={item} />}
      <PlaceShares alert={alert} />
      <LoopLine no={alert.loop} scene={scene} />
      <Found alert={alert} />
      {alert.state === "open" &&
        !asOf &&
        (props.mayJudge ? (
          <JudgeForm
            key={`${id}-${turn}`}
            alert={alert}
            others={others}
            scene={scene}
            onDone={props.onDone}
            onConflict={props.onConflict}
          />
        ) : (
          <p class="quiet">{t("judgeNotYours")}</p>
        ))}
    </article>
  );
}
