// The ladder of the present stage: its deadline, and whom each step after it tells, when, and who
// that is now. Done, next and later are a shape and a word each.
import type { JSX } from "preact";
import { t, type WordKey } from "../../catalogue.ts";
import { dayAndClock, secondsOf } from "../../format.ts";
import { Icon, type IconName } from "../../parts/icons.tsx";
import { areaWords, say } from "./definitions.ts";
import { roleWords, seatAt, seatWords, span, type Loop } from "./words.ts";

type Rung = Loop["ladder"][number];

const marks: Record<Rung["state"], { icon: IconName; word: WordKey }> = {
  done: { icon: "done", word: "rungDone" },
  next: { icon: "soon", word: "rungNext" },
  later: { icon: "open", word: "rungLater" },
};

/** How far from now, in words; nothing where it is not known when now is. */
function distance(time: string, now: number | null): string {
  if (now === null) return "";
  const left = secondsOf(time) - now;
  if (Math.abs(left) < 60) return t("rungNow");
  return left > 0 ? t("rungIn", { span: span(left) }) : t("rungAgo", { span: span(-left) });
}

function whoNow(rung: Rung): string {
  if (rung.holders === null) return t("rungHidden");
  if (!rung.holders.length) return t("rungNobody");
  const names = rung.holders.map((holder) => {
    const same = holder.role === rung.seat.role && holder.area === rung.seat.area;
    if (same || !holder.role) return holder.name;
    const seat = seatAt(areaWords(holder.area), roleWords(holder.role));
    return t("rungHolder", { name: holder.name, seat });
  });
  const more = (rung.holder_count ?? 0) - rung.holders.length;
  const listed = names.join(t("listComma"));
  return more > 0
    ? t("rungHoldersMore", { names: listed, count: rung.holder_count ?? 0 })
    : t("rungHolders", { names: listed });
}

function Step({ rung, now }: { rung: Rung; now: number | null }): JSX.Element {
  const { icon, word } = marks[rung.state];
  const at = rung.told_at ?? rung.at;
  // A lead is named by what it is to the owner; a role by where it is as well.
  const whom = rung.seat.form === "role" ? seatWords(rung.seat) : say(rung.to);
  return (
    <li class={`rung ${rung.state}`} data-rung={rung.state}>
      <span class="mark">
        <Icon name={icon} />
        {t(word)}
      </span>
      <span class="when">
        <time dateTime={at}>{dayAndClock(at)}</time>
        <span class="quiet">{distance(at, now)}</span>
      </span>
      <span class="whom">
        <b>{whom}</b>
        <span class="quiet">{whoNow(rung)}</span>
      </span>
    </li>
  );
}

export function Ladder({ loop, now }: { loop: Loop; now: number | null }): JSX.Element | null {
  if (!loop.ladder.length || loop.due_at === null) return null;
  const late = now === null ? loop.overdue : secondsOf(loop.due_at) <= now;
  return (
    <section aria-labelledby="ladder-title">
      <h2 id="ladder-title">{t(late ? "ladderLate" : "ladderTitle")}</h2>
      <ol class="ladder">
        <li class={`rung due${late ? " late" : ""}`}>
          <span class="mark">
            <Icon name={late ? "late" : "open"} />
            {t(late ? "rungPassed" : "rungDue")}
          </span>
          <span class="when">
            <time dateTime={loop.due_at}>{dayAndClock(loop.due_at)}</time>
            <span class="quiet">{distance(loop.due_at, now)}</span>
          </span>
          <span class="whom">
            <b>{seatWords(loop.owner)}</b>
            <span class="quiet">{t("rungOwner")}</span>
          </span>
        </li>
        {loop.ladder.map((rung) => (
          <Step key={rung.after_seconds} rung={rung} now={now} />
        ))}
      </ol>
      <p class="quiet">{t("ladderHint")}</p>
    </section>
  );
}
