// What a rule set would change: persons by colour before and after, in all and by district. A count
// that the server holds back is hatched: it is small, and it is not 0.
import type { JSX } from "preact";
import { t } from "../../catalogue.ts";
import { areaName, count, dayAndClock } from "../../format.ts";
import { ColorChip, type Color } from "../../parts/color-chip.tsx";
import type { Area } from "../loops/definitions.ts";
import type { Change } from "./rules.tsx";

type EffectOf = Change["effect"];
type Kind = EffectOf["changes"][number];
type Counted = { persons?: number; changed: number | null; changes: Kind[] };

const keyOf = (kind: Kind): string => `${kind.before} ${kind.after}`;
const moves = (kind: Kind): boolean => kind.before !== kind.after;

/** Kinds of change that occur, those that move somebody only. */
function kindsOf(effect: EffectOf): Kind[] {
  const kinds = new Map<string, Kind>();
  for (const one of [effect, ...effect.districts])
    for (const kind of one.changes) if (moves(kind)) kinds.set(keyOf(kind), kind);
  return [...kinds.values()].sort((a, b) => keyOf(a).localeCompare(keyOf(b)));
}

function Figure({ value }: { value: number | null }): JSX.Element {
  if (value !== null) return <>{count(value)}</>;
  return (
    <span class="hatched held" title={t("effectHeld")}>
      <span class="sr">{t("effectHeld")}</span>
    </span>
  );
}

const valueOf = (counted: Counted, kind: Kind): number | null => {
  const found = counted.changes.find((one) => keyOf(one) === keyOf(kind));
  return found ? found.persons : 0;
};

function Row({ name, counted, kinds, whole }: { name: string; counted: Counted; kinds: readonly Kind[]; whole?: boolean }): JSX.Element {
  return (
    <tr class={whole ? "sum" : ""}>
      <th scope="row">{name}</th>
      {kinds.map((kind) => (
        <td key={keyOf(kind)} class="right">
          <Figure value={valueOf(counted, kind)} />
        </td>
      ))}
      <td class="right">
        <Figure value={counted.changed} />
      </td>
      <td class="right dim">{count(counted.persons ?? null)}</td>
    </tr>
  );
}

interface Props {
  effect: EffectOf;
  areas: ReadonlyMap<string, Area> | null;
}

export function Effect({ effect, areas }: Props): JSX.Element {
  const kinds = kindsOf(effect);
  const held = [effect, ...effect.districts].some(
    (one) => one.changed === null || one.changes.some((kind) => kind.persons === null),
  );
  const title =
    effect.changed === null
      ? t("effectSome")
      : effect.changed
        ? t("effectTitle", { count: count(effect.changed), persons: count(effect.persons) })
        : t("effectNone", { persons: count(effect.persons) });
  return (
    <section class="effect">
      <h2>{title}</h2>
      <p class="small dim">
        {t("effectAt", { time: dayAndClock(effect.at), before: effect.rules_before ?? "" })}
      </p>
      {kinds.length > 0 && (
        <div class="scroll-x" tabIndex={0} role="group" aria-label={t("effectTable")}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t("thArea")}</th>
                {kinds.map((kind) => (
                  <th key={keyOf(kind)} scope="col" class="right">
                    <span class="fromto">
                      <ColorChip color={kind.before as Color} />→<ColorChip color={kind.after as Color} />
                    </span>
                  </th>
                ))}
                <th scope="col" class="right">
                  {t("thChanged")}
                </th>
                <th scope="col" class="right">
                  {t("thPersons")}
                </th>
              </tr>
            </thead>
            <tbody>
              <Row name={t("effectAll")} counted={effect} kinds={kinds} whole />
              {effect.districts.map((district) => (
                <Row
                  key={district.area}
                  name={areas?.has(district.area) ? areaName(areas.get(district.area)!) : district.area || "—"}
                  counted={district}
                  kinds={kinds}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {held && (
        <p class="small dim bar-line">
          <span class="hatched hatch-key" />
          {t("effectHeldWhy")}
        </p>
      )}
    </section>
  );
}
