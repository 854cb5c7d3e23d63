// Custody: each hand-over that wanted signatures, who asked for it, who signed and when, and who is
// still missing. Told from the history; of the one that waits, the server names each place.
import type { JSX } from "preact";
import { t } from "../../catalogue.ts";
import { dayAndClock } from "../../format.ts";
import { Icon, type IconName } from "../../parts/icons.tsx";
import { say, stageOf, stageWords, type Scene } from "./definitions.ts";
import type { Loop } from "./words.ts";

interface Signature {
  /** In whose name; "" where the definition no longer tells it. */
  who: string;
  by: string | null;
  at: string | null;
}
interface HandOver {
  from: string;
  /** null: it was asked for and never taken. */
  to: string | null;
  askedBy: string;
  askedAt: string;
  signatures: Signature[];
  state: "done" | "waits" | "dropped";
}

function signersOf(scene: Scene, from: string, to: string): string[] {
  const step = stageOf(scene, from)?.next.find((one) => one.to === to && one.sign.length);
  return step ? step.sign.map(say) : [];
}

/** Oldest first. */
export function handOvers(loop: Loop, scene: Scene): HandOver[] {
  const all: (HandOver & { places: number[] })[] = [];
  let open: (HandOver & { places: number[] }) | null = null;
  for (const act of loop.history) {
    if (act.act === "asked") {
      open = {
        from: act.stage,
        to: null,
        askedBy: act.by,
        askedAt: act.at,
        signatures: [],
        places: [],
        state: "dropped",
      };
      all.push(open);
    } else if (act.act === "signed" && open) {
      open.signatures.push({ who: "", by: act.by, at: act.at });
      open.places.push(act.place ?? -1);
    } else if (act.to !== act.stage && open) {
      // The last signature takes the step itself; whoever else moved it made it void.
      const last = open.signatures.at(-1);
      if (act.act === "advanced" && last?.at === act.at && last.by === act.by) {
        const done: HandOver = open;
        done.to = act.to;
        done.state = "done";
      }
      open = null;
    }
  }
  const last = all.at(-1);
  if (last && loop.waiting) {
    last.to = loop.waiting.to;
    last.state = "waits";
    last.signatures = loop.waiting.signatures.map((one) => ({ ...one, who: say(one.who) }));
  }
  for (const one of all) {
    if (one.state !== "done" || one.to === null) continue;
    const signers = signersOf(scene, one.from, one.to);
    one.signatures = one.signatures.map((signature, i) => ({
      ...signature,
      who: signers[one.places[i] ?? -1] ?? "",
    }));
  }
  return all;
}

function Line(props: { icon: IconName; tone: string; who: string; what: string; at: string | null }): JSX.Element {
  const { icon, tone, who, what, at } = props;
  return (
    <li class={tone}>
      <span class="mark">
        <Icon name={icon} />
        {what}
      </span>
      <span>{who}</span>
      <span class="keep quiet right">{at && dayAndClock(at)}</span>
    </li>
  );
}

export function Custody({ loop, scene }: { loop: Loop; scene: Scene }): JSX.Element | null {
  const all = handOvers(loop, scene);
  if (!all.length) return null;
  return (
    <section aria-labelledby="custody-title">
      <h2 id="custody-title">{t("custodyTitle", { count: all.length })}</h2>
      {all.reverse().map((one) => (
        <div key={`${one.askedAt}-${one.from}`} class="custody" data-custody={one.state}>
          <h3>
            {t("custodyStep", {
              from: stageWords(scene, one.from),
              to: one.to === null ? "—" : stageWords(scene, one.to),
            })}{" "}
            <span class="quiet">{t(`custody_${one.state}`)}</span>
          </h3>
          <ul>
            <Line icon="tick" tone="done" what={t("custodyAsked")} who={one.askedBy} at={one.askedAt} />
            {one.signatures.map((signature, i) => (
              <Line
                key={i}
                icon={signature.by ? "tick" : "soon"}
                tone={signature.by ? "done" : "missing"}
                what={t(signature.by ? "custodySigned" : "custodyMissing")}
                who={
                  signature.by && signature.who
                    ? t("rungHolder", { name: signature.by, seat: signature.who })
                    : (signature.by ?? signature.who)
                }
                at={signature.at}
              />
            ))}
          </ul>
        </div>
      ))}
    </section>
  );
}
