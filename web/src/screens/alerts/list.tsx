// The desk: causes in the order of what acting on them is worth, in four parts of which none is ever
// dropped; below them what was judged today, and the record of each detector.
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../../catalogue.ts";
import { clock, count, dayAndClock, dayLong, duration, percent, secondsOf } from "../../format.ts";
import { useCityNow } from "../../parts/city-clock.ts";
import { Icon } from "../../parts/icons.tsx";
import { keyIsTaken } from "../../parts/virtual-list.tsx";
import { areaWords, say } from "../loops/definitions.ts";
import { roleWords, span } from "../loops/words.ts";
import { Spark } from "./chart.tsx";
import { LevelChip } from "./level.tsx";
import {
  amount,
  detectorWords,
  figureWords,
  places,
  precisionWords,
  recordOf,
  recordWords,
  titleWords,
  verdictWords,
  type Desk,
  type Detector,
  type Item,
} from "./words.ts";

export const deskId = "alert-list";

interface Props {
  desk: Desk;
  items: readonly Item[];
  judged: readonly Item[];
  /** Of the cause that is chosen, and of the one that is open; 0 where none. */
  chosen: number;
  open: number;
  gone: ReadonlySet<number>;
  onChoose(id: number): void;
  onOpen(id: number): void;
  onMore(): void;
}

function Worth({ item }: { item: Item }): JSX.Element {
  const cause = item.cause;
  if (!cause) return <span />;
  return (
    <span class="worth">
      <b>{t("worthUnit", { value: amount(cause.value) })}</b>
      <span class="small dim">
        {t("worthTerms", {
          probability: percent(cause.probability),
          people: amount(Math.round(cause.people)),
          days: cause.days,
        })}
      </span>
    </span>
  );
}

function Row({ item, now, detectors, gone }: { item: Item; now: number | null; detectors: readonly Detector[]; gone: boolean }): JSX.Element {
  const record = recordOf(detectors, item);
  const members = item.cause?.members.length ?? 0;
  const figure = figureWords(item);
  const near = record?.days_28;
  const watched = item.cause?.place === "watched" && item.watch_until;
  return (
    <>
      <span>
        <LevelChip level={item.level} />
      </span>
      <span class="what">
        <b class="cut">{titleWords(item)}</b>
        <span class="cut small dim">
          {areaWords(item.area)}
          {gone && <b class="gone"> · {t("deskGone")}</b>}
        </span>
      </span>
      <span class="figure">
        <b>{figure.now}</b>
        <span class="small dim">{figure.usual}</span>
      </span>
      <span class="trail">
        {item.trail ? (
          <Spark trail={item.trail} bound={item.by_rule ? null : item.bound} />
        ) : (
          <span class="quiet">{t("trailNone")}</span>
        )}
      </span>
      <span class="merged small">
        {members ? t("mergedCount", { count: members + 1 }) : t("mergedOne")}
      </span>
      <Worth item={item} />
      <span class="record">
        <span class="cut small">{detectorWords(item.detector)}</span>
        <span class="cut small dim">{recordWords(record)}</span>
        {near?.precision != null && (
          <span class="track">
            <i style={{ width: `${near.precision * 100}%` }} />
          </span>
        )}
        {item.cause?.throttled && <span class="chip slim">{t("throttledChip")}</span>}
      </span>
      <span class="raised small">
        <span>{clock(item.raised_at)}</span>
        <span class="dim">
          {watched
            ? t("watchedUntil", { time: dayAndClock(item.watch_until) })
            : now !== null && t("ago", { span: span(Math.max(0, now - secondsOf(item.raised_at))) })}
        </span>
      </span>
    </>
  );
}

function Heads(): JSX.Element {
  const keys = ["thLevel", "thCause", "thNow", "thTrail", "thMerged", "thWorth", "thDetectorRecord", "thRaised"] as const;
  const classes = ["", "what", "figure", "trail", "merged", "worth", "record", "raised"];
  return (
    <div class="alert-row alert-heads" aria-hidden="true">
      {keys.map((key, i) => (
        <span key={key} class={classes[i]}>
          {t(key)}
        </span>
      ))}
    </div>
  );
}

/** One stop for Tab; J K, arrows, Home and End move the chosen cause, Enter opens it. */
function Causes(props: Props): JSX.Element {
  const { desk, items, chosen, onChoose, onOpen } = props;
  const box = useRef<HTMLDivElement>(null);
  const now = useCityNow();
  const at = items.findIndex((item) => item.id === chosen);
  useEffect(() => {
    box.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  const onKey = (event: KeyboardEvent): void => {
    if (keyIsTaken(event)) return;
    const steps: Record<string, number> = {
      j: 1, J: 1, ArrowDown: 1, k: -1, K: -1, ArrowUp: -1, Home: -items.length, End: items.length,
    };
    const step = steps[event.key];
    if (event.key === "Enter" && at >= 0) onOpen(chosen);
    else if (step !== undefined && items.length)
      onChoose(items[Math.max(0, Math.min(items.length - 1, at + step))]!.id);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const { budget } = desk;
  return (
    <div
      id={deskId}
      ref={box}
      class="causes"
      role="listbox"
      tabIndex={0}
      aria-label={t("alerts")}
      aria-activedescendant={at >= 0 ? `cause-${chosen}` : undefined}
      onKeyDown={onKey}
    >
      {places.map((place) => {
        const rows = items.filter((item) => item.cause?.place === place);
        if (!rows.length) return null;
        return (
          <div key={place} role="group" aria-labelledby={`place-${place}`} data-place={place}>
            <div class="part" id={`place-${place}`} role="presentation">
              <b>
                {t(`place_${place}`)} {count(budget[place])}
              </b>
              <span class="small dim">
                {t(`hint_${place}`, {
                  role: roleWords(budget.role),
                  budget: budget.a_day,
                  judged: budget.judged_today,
                })}
              </span>
            </div>
            {rows.map((item) => (
              <div
                key={item.id}
                id={`cause-${item.id}`}
                role="option"
                class={`alert-row${item.id === props.open ? " open" : ""}`}
                aria-selected={item.id === chosen}
                data-cause={item.id}
                data-channel={item.channel}
                onClick={() => {
                  onChoose(item.id);
                  onOpen(item.id);
                }}
              >
                <Row item={item} now={now} detectors={desk.detectors} gone={props.gone.has(item.id)} />
              </div>
            ))}
          </div>
        );
      })}
    </div>
  );
}

function Judged({ judged, onOpen }: { judged: readonly Item[]; onOpen(id: number): void }): JSX.Element {
  return (
    <section aria-labelledby="judged-title" class="judged">
      <h2 id="judged-title" class="part">
        {t("judgedTitle", { count: judged.length })}
      </h2>
      {!judged.length && <p class="quiet">{t("judgedNone")}</p>}
      <ol>
        {judged.map((item) => (
          <li key={item.id}>
            <button type="button" class="plain" data-judged={item.id} onClick={() => onOpen(item.id)}>
              <span class="shape done">
                <Icon name="done" />
              </span>
              <span>{clock(item.judged_at)}</span>
              <span class="cut">
                {titleWords(item)} · {areaWords(item.area)}
              </span>
              <span class="cut">{verdictWords(item.verdict)}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Detectors({ detectors }: { detectors: readonly Detector[] }): JSX.Element {
  return (
    <section aria-labelledby="detectors-title" class="detectors">
      <h2 id="detectors-title">
        {t("detectorsTitle")} <span class="quiet">{t("detectorsHint")}</span>
      </h2>
      {!detectors.length && <p class="quiet">{t("detectorsNone")}</p>}
      {detectors.length > 0 && (
        <div class="scroll-x">
          <table>
            <thead>
              <tr>
                <th scope="col">{t("thChannel")}</th>
                <th scope="col">{t("thDetector")}</th>
                <th scope="col" class="right">{t("thPrecision", { days: 28 })}</th>
                <th scope="col" class="right">{t("thPrecision", { days: 90 })}</th>
                <th scope="col" class="right">{t("thDelay")}</th>
                <th scope="col" class="right">{t("thLoad")}</th>
              </tr>
            </thead>
            <tbody>
              {detectors.map((one) => (
                <tr key={`${one.channel} ${one.detector}`}>
                  <th scope="row">
                    {say(one.title) || one.channel}{" "}
                    {one.throttled && <span class="chip slim">{t("throttledChip")}</span>}
                  </th>
                  <td>{detectorWords(one.detector)}</td>
                  <td class="right">{precisionWords(one.days_28)}</td>
                  <td class="right">{precisionWords(one.days_90)}</td>
                  <td class="right">
                    {one.days_90.delay_minutes === null ? "—" : duration(one.days_90.delay_minutes * 60)}
                  </td>
                  <td class="right">{one.days_28.a_day.toFixed(2)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** What the last night looked at: also where nothing was unusual. */
export function statementWords(desk: Desk): string {
  const { series, late, missing, night, ran_at } = desk.statement;
  if (!night || !ran_at) return t("statementNever");
  const values = { night: dayLong(night), time: dayAndClock(ran_at) };
  if (series === null || late === null || missing === null) return t("statementThen", values);
  return t("statement", { ...values, series: count(series), late, missing });
}

export function CauseList(props: Props): JSX.Element {
  const { desk, items, judged } = props;
  return (
    <>
      {items.length > 0 && (
        <>
          <Heads />
          <Causes {...props} />
        </>
      )}
      {desk.budget.more_not_ranked && <p class="notice">{t("deskNotRanked")}</p>}
      {desk.next && (
        <button class="button more" type="button" onClick={props.onMore}>
          {t("deskMore", { count: items.length })}
        </button>
      )}
      <Judged judged={judged} onOpen={props.onOpen} />
      <Detectors detectors={desk.detectors} />
    </>
  );
}
