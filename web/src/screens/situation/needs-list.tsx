// The column of what needs somebody: one focus, J K move, Enter opens, the chosen row shows its
// acts.
import type { JSX } from "preact";
import { useReducer, useRef, useState } from "preact/hooks";
import { t, type WordKey } from "../../catalogue.ts";
import { useTone } from "../../parts/arrivals.ts";
import { Icon, type IconName } from "../../parts/icons.tsx";
import { useKeys } from "../../parts/keys.tsx";
import { News } from "../../parts/news.tsx";
import { follow, go } from "../../router.ts";
import type { Need } from "./needs.ts";
import type { OwnedNeeds } from "./owned-needs.ts";

interface Props {
  needs: readonly Need[];
  /** How many there are of a kind, where only the first are here. */
  totals: OwnedNeeds["totals"];
  /** Something of them could not be read. */
  unread: boolean;
  /** What is to be shown at first is all there. */
  ready: boolean;
  mayOpenCases: boolean;
  /** The hour that is looked at; "" is now. */
  moment: string;
  /** The needs of another hour: nobody acts on them. */
  past: boolean;
  onHover(code: string): void;
  onSelect(code: string): void;
}

const groups: { kind: Need["kind"]; title: WordKey; hint: WordKey; door?: string }[] = [
  { kind: "told", title: "needsTold", hint: "needsToldHint", door: "/loops?list=told" },
  { kind: "late", title: "needsLate", hint: "needsLateHint", door: "/loops?list=overdue" },
  { kind: "alert", title: "needsAlerts", hint: "needsAlertsHint", door: "/alerts" },
  { kind: "cases", title: "needsCases", hint: "needsCasesHint" },
  { kind: "gap", title: "needsGaps", hint: "needsGapsHint" },
  { kind: "silent", title: "needsSilent", hint: "needsSilentHint" },
];

const shapes: Partial<Record<Need["kind"], IconName>> = {
  told: "bell",
  late: "late",
  alert: "open",
  gap: "unknown",
  silent: "silent",
};

function Mark({ need }: { need: Need }): JSX.Element {
  if (need.kind === "cases")
    return (
      <span class="mark disc" aria-hidden="true">
        {need.figure}
      </span>
    );
  return (
    <span class={`mark ${need.kind}`}>
      <Icon name={shapes[need.kind] ?? "unknown"} />
    </span>
  );
}

/** A page as it was at the hour that is looked at. */
const withMoment = (address: string, moment: string): string =>
  moment
    ? `${address}${address.includes("?") ? "&" : "?"}as_of=${encodeURIComponent(moment)}`
    : address;

interface Held {
  /** In the order in which they were taken in, with the words of now; `gone` ones need nobody now. */
  rows: readonly (Need & { gone: boolean })[];
  news: readonly Need[];
  takeIn(): void;
}

/** The column as the reader took it in: words follow, rows stay, and what is new waits in a counter.
 *  Another hour is another column; an empty one has no row to move; what comes with the last of the
 *  first answers is not new. */
function useHeld(needs: readonly Need[], past: boolean, ready: boolean): Held {
  const held = useRef<{ past: boolean; ready: boolean; needs: readonly Need[] }>({
    past,
    ready,
    needs,
  });
  const [, draw] = useReducer((turn: number) => turn + 1, 0);
  const isFirst = !ready || !held.current.ready;
  if (isFirst || past || held.current.past !== past || !held.current.needs.length)
    held.current = { past, ready, needs };
  const now = new Map(needs.map((need) => [need.id, need]));
  const shown = new Set(held.current.needs.map(({ id }) => id));
  const rows = held.current.needs.map((need) => ({ ...(now.get(need.id) ?? need), gone: !now.has(need.id) }));
  held.current = { past, ready, needs: rows };
  return {
    rows,
    news: needs.filter(({ id }) => !shown.has(id)),
    takeIn: () => {
      held.current = { past, ready, needs };
      draw(0);
    },
  };
}

export function NeedsList(props: Props): JSX.Element {
  const { totals, unread, moment, mayOpenCases, onHover, onSelect } = props;
  const past = moment !== "" || props.past;
  const { rows: needs, news, takeIn } = useHeld(props.needs, past, props.ready);
  useTone(news.length ? `need-${news.map(({ id }) => id).join()}` : "");
  const [currentId, setCurrentId] = useState("");
  const root = useRef<HTMLElement>(null);
  // A new arrival never moves the chosen row: it is kept by what it is, not by where it stands.
  const current = Math.max(
    0,
    needs.findIndex((need) => need.id === currentId),
  );

  const open = (need: Need | undefined): void => {
    if (!need) return;
    if (need.address) go(past ? withMoment(need.address, moment) : need.address);
    else if (need.kind === "cases" && mayOpenCases) go(`/cases?area=${need.code}`);
    else if (need.code) onSelect(need.code);
  };
  const choose = (index: number, focus: boolean): void => {
    const need = needs[Math.max(0, Math.min(needs.length - 1, index))];
    if (!need) return;
    setCurrentId(need.id);
    onHover(need.code);
    if (focus) root.current?.querySelector<HTMLElement>(`[data-need="${need.id}"]`)?.focus();
  };
  useKeys({
    j: () => choose(current + 1, true),
    J: () => choose(current + 1, true),
    k: () => choose(current - 1, true),
    K: () => choose(current - 1, true),
    Enter: () => open(needs[current]),
    r: () => news.length && takeIn(),
  });

  return (
    <section class="needs" ref={root} aria-labelledby="needs-title">
      <div class="column-head">
        <h2 id="needs-title">{t(past ? "needsThen" : "needsTitle")}</h2>
        <span class="small dim">{t("needsOrder")}</span>
        <News
          count={news.length}
          words={t("needsNews", { count: news.length })}
          hint={t("needsNewsHint")}
          past={past}
          onTake={takeIn}
        />
      </div>
      {unread && (
        <p class="notice" role="alert">
          {t("needsUnread")}
        </p>
      )}
      {!needs.length && <p class="later">{t(past ? "needsNothingThen" : "needsNothing")}</p>}
      {groups.map(({ kind, title, hint, door }) => {
        const rows = needs.filter((need) => need.kind === kind);
        if (!rows.length) return null;
        return (
          <div key={kind}>
            <div class="group">
              <h3>{t(title, { count: totals[kind] ?? rows.filter(({ gone }) => !gone).length })}</h3>
              <span class="dim">{t(hint)}</span>
              {door && (
                <a class="door" href={withMoment(door, moment)} onClick={follow}>
                  {t("needsAll")} →
                </a>
              )}
            </div>
            <ul>
              {rows.map((need) => {
                const index = needs.indexOf(need);
                const chosen = index === current;
                return (
                  <li key={need.id} class={`need${need.gone ? " gone" : ""}`} data-current={chosen}>
                    <button
                      type="button"
                      data-need={need.id}
                      tabIndex={chosen ? 0 : -1}
                      aria-current={chosen ? "true" : undefined}
                      onClick={() => (chosen ? open(need) : choose(index, false))}
                      onFocus={() => choose(index, false)}
                      onMouseEnter={() => onHover(need.code)}
                      onMouseLeave={() => onHover("")}
                      onKeyDown={(event) => {
                        const step =
                          event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
                        if (event.key === "Enter") open(need);
                        else if (step) choose(index + step, true);
                        else return;
                        event.preventDefault();
                        event.stopPropagation();
                      }}
                    >
                      <Mark need={need} />
                      <span class="what">
                        <b>{need.area}</b> {need.what}
                      </span>
                      <span class="meta">{need.gone ? t("needGone") : need.meta}</span>
                    </button>
                    {chosen && !need.gone && (need.code !== "" || (need.address && !past)) && (
                      <div class="acts">
                        {need.address && !past && (
                          <button class="button main slim" type="button" onClick={() => open(need)}>
                            {t(need.kind === "alert" ? "needOpenAlert" : "needOpenLoop")}
                            <kbd>Enter</kbd>
                          </button>
                        )}
                        {need.kind === "cases" && mayOpenCases && (
                          <button class="button main slim" type="button" onClick={() => open(need)}>
                            <Icon name="lock" />
                            {t("needOpenCases")}
                            <kbd>Enter</kbd>
                          </button>
                        )}
                        {need.code !== "" && (
                          <button
                            class="button slim"
                            type="button"
                            onClick={() => onSelect(need.code)}
                          >
                            {t("needLookArea")}
                          </button>
                        )}
                      </div>
                    )}
                  </li>
                );
              })}
            </ul>
          </div>
        );
      })}
    </section>
  );
}
