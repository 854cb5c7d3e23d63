// The loops that this one opened, and those that opened it: what they are, where they stand, until
// when. What is late comes first; counts are of what the server told, and it says where it told not
// all.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { t, wordFor } from "../../catalogue.ts";
import { count, dayAndClock } from "../../format.ts";
import { Icon, type IconName } from "../../parts/icons.tsx";
import { follow } from "../../router.ts";
import { say } from "./definitions.ts";
import type { Loop } from "./words.ts";

type Relative = Loop["children"][number];

const atFirst = 12;

const rank = (one: Relative): number => (one.overdue ? 0 : one.state === "open" ? 1 : 2);

function iconOf(one: Relative): IconName {
  if (one.overdue) return "late";
  return one.state === "open" ? "open" : one.state === "done" ? "done" : "ended";
}

function stateWords(one: Relative): string {
  if (one.overdue) return t("kinLate", { time: dayAndClock(one.due_at) });
  if (one.state === "open") return one.due_at ? t("dueAt", { time: dayAndClock(one.due_at) }) : "";
  return t("kinEnded", {
    state: wordFor("state", one.state) ?? one.state,
    time: dayAndClock(one.closed_at),
  });
}

/** "5: 3 open, 1 of them late · 2 ended". */
function sumWords(kin: readonly Relative[]): string {
  const open = kin.filter((one) => one.state === "open").length;
  return t("kinSum", {
    open: count(open),
    late: count(kin.filter((one) => one.overdue).length),
    ended: count(kin.length - open),
  });
}

interface Props {
  id: string;
  title: string;
  kin: Loop["children"];
  /** The server told the first of them only. */
  more: boolean;
  query: string;
}

export function Kin({ id, title, kin, more, query }: Props): JSX.Element | null {
  const [all, setAll] = useState(false);
  if (!kin.length) return null;
  const ranked = [...kin].sort((a, b) => rank(a) - rank(b) || a.id - b.id);
  const shown = all ? ranked : ranked.slice(0, atFirst);
  return (
    <section aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>
        {title} <span class="quiet">{sumWords(kin)}</span>
      </h2>
      {more && <p class="notice">{t("kinMore", { count: count(kin.length) })}</p>}
      <ul class="kin">
        {shown.map((one) => (
          <li key={one.id} class={one.overdue ? "late" : one.state}>
            <Icon name={iconOf(one)} />
            <span class="what">
              <a href={`/loops/${one.id}${query}`} onClick={follow}>
                {t("kinName", { title: say(one.title), id: one.id })}
              </a>
              <span class="quiet">{say(one.stage_title)}</span>
            </span>
            <span class="quiet right">{stateWords(one)}</span>
          </li>
        ))}
      </ul>
      {ranked.length > shown.length && (
        <button class="button slim" type="button" onClick={() => setAll(true)}>
          {t("kinAll", { count: count(ranked.length) })}
        </button>
      )}
    </section>
  );
}
