// The same districts as the map, as a table: so that neither is the only way.
import type { JSX } from "preact";
import { t } from "../../catalogue.ts";
import { areaName, clock, count, rate } from "../../format.ts";
import { HatchPattern } from "../../parts/icons.tsx";
import { follow } from "../../router.ts";
import { rateOf, weekOf, weekText, type Days, type District, type Situation } from "./figures.ts";

interface Props {
  situation: Situation;
  mayOpenCases: boolean;
  selected: string;
  hovered: string;
  onHover(code: string): void;
  onSelect(code: string): void;
}

const sparkWidth = 98;
const sparkHeight = 18;

function Spark({ values, max }: { values: Days; max: number }): JSX.Element {
  const slot = sparkWidth / values.length;
  return (
    <svg class="spark" viewBox={`0 0 ${sparkWidth} ${sparkHeight}`} aria-hidden="true">
      <line class="base" x1="0" x2={sparkWidth} y1={sparkHeight - 0.5} y2={sparkHeight - 0.5} />
      {values.map((value, i) => {
        const x = i * slot + 0.5;
        if (value === null)
          return (
            <rect
              key={i}
              x={x}
              y="0.5"
              width={slot - 1}
              height={sparkHeight - 1}
              fill="url(#spark-hatch)"
            />
          );
        const high = max ? (value / max) * (sparkHeight - 1) : 0;
        return (
          <rect
            key={i}
            class={i === values.length - 1 ? "part" : "bar"}
            x={x}
            y={sparkHeight - high}
            width={slot - 1}
            height={high}
          />
        );
      })}
    </svg>
  );
}

function Figure({ value }: { value: number | null }): JSX.Element {
  return value === null ? (
    <span class="none hatched">
      <span class="none-text">{t("unknown")}</span>
    </span>
  ) : (
    <>{count(value)}</>
  );
}

function Week({ district }: { district: District }): JSX.Element {
  const cases = weekOf(district.cases_by_day);
  return cases.value === null ? <Figure value={null} /> : <>{weekText(cases)}</>;
}

const sum = (values: readonly (number | null)[]): number | null =>
  values.some((value) => value === null)
    ? null
    : values.reduce<number>((all, value) => all + (value ?? 0), 0);

export function DistrictTable(props: Props): JSX.Element {
  const { situation, selected, hovered, onHover, onSelect } = props;
  const { districts } = situation;
  const max = Math.max(
    0,
    ...districts.flatMap((district) => district.cases_by_day.map((value) => value ?? 0)),
  );
  const incomplete = districts.some((district) => {
    const cases = weekOf(district.cases_by_day);
    return cases.value !== null && !cases.whole;
  });
  const all = weekOf(situation.series.cases_by_report);
  return (
    <div class="scroll-x" tabIndex={0} role="region" aria-label={t("tableLabel")}>
      <svg class="sr" aria-hidden="true">
        <defs>
          <HatchPattern id="spark-hatch" />
        </defs>
      </svg>
      <table class="districts">
        <thead>
          <tr>
            <th scope="col">{t("thDistrict")}</th>
            <th scope="col" class="right">
              {t("thToday")}
            </th>
            <th scope="col" class="right">
              {t("thWeek")}
            </th>
            <th scope="col" class="right">
              {t("thRate")}
            </th>
            <th scope="col">{t("thDays")}</th>
            <th scope="col" class="right">
              {t("thScans")}
            </th>
            <th scope="col" class="right">
              {t("thVenues")}
            </th>
            <th scope="col" class="right">
              {t("thTime")}
            </th>
          </tr>
        </thead>
        <tbody>
          {districts.map((district) => {
            const value = weekOf(district.cases_by_day).value;
            const per = rateOf(district);
            return (
              <tr
                key={district.code}
                data-code={district.code}
                data-current={selected === district.code}
                data-hover={hovered === district.code}
                onClick={() => onSelect(district.code)}
                onMouseEnter={() => onHover(district.code)}
                onMouseLeave={() => onHover("")}
              >
                <th scope="row">
                  <button
                    class="pick"
                    type="button"
                    aria-pressed={selected === district.code}
                    onFocus={() => onHover(district.code)}
                    onBlur={() => onHover("")}
                  >
                    {areaName(district)}
                  </button>
                </th>
                <td class="right">
                  <Figure value={value === null ? null : (district.cases_by_day.at(-1) ?? null)} />
                </td>
                <td class="right">
                  {value && props.mayOpenCases ? (
                    <a
                      href={`/cases?area=${district.code}`}
                      onClick={(event) => {
                        event.stopPropagation();
                        follow(event);
                      }}
                    >
                      <Week district={district} />
                    </a>
                  ) : (
                    <Week district={district} />
                  )}
                </td>
                <td class="right">{per === null ? <Figure value={null} /> : rate(per)}</td>
                <td>
                  <Spark values={district.cases_by_day} max={max} />
                </td>
                <td class="right">
                  <Figure value={district.scans_today} />
                </td>
                <td class="right">
                  <Figure value={district.venues_in_use_24h} /> / <Figure value={district.venues} />
                </td>
                <td class="right">{clock(district.true_for)}</td>
              </tr>
            );
          })}
        </tbody>
        {districts.length > 1 && (
          <tfoot>
            <tr>
              <th scope="row">{t("total")}</th>
              <td class="right">
                <Figure
                  value={
                    all.value === null ? null : (situation.series.cases_by_report.at(-1) ?? null)
                  }
                />
              </td>
              <td class="right">{all.value === null ? <Figure value={null} /> : weekText(all)}</td>
              <td />
              <td>{incomplete && <span class="quiet">{t("unknownStar")}</span>}</td>
              <td class="right">
                <Figure value={sum(districts.map((district) => district.scans_today))} />
              </td>
              <td class="right">
                <Figure value={sum(districts.map((district) => district.venues_in_use_24h))} />
                {" / "}
                <Figure value={sum(districts.map((district) => district.venues))} />
              </td>
              <td class="right">{clock(situation.known_at)}</td>
            </tr>
          </tfoot>
        )}
      </table>
    </div>
  );
}
