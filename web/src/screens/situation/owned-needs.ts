// What has an owner and a clock, or waits to be judged: loops that were escalated to the reader, loops
// past their deadline, alerts that nobody judged. The first few of each, in the order of their own
// pages, which hold the rest; of an hour of the past what was known then.
import { useRef } from "preact/hooks";
import { call } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { dayAndClock, secondsOf } from "../../format.ts";
import { useCityNow } from "../../parts/city-clock.ts";
import { useLoad } from "../../parts/load.tsx";
import { figureWords, levelWords, titleWords, type Desk, type Item } from "../alerts/words.ts";
import { areaWords, readAreas, say } from "../loops/definitions.ts";
import { seatWords, standing, subjectWords, type Row } from "../loops/words.ts";
import type { Need } from "./needs.ts";

const shownMost = 5;

/** What the reader's role lets be read. */
export interface Readable {
  alerts: boolean;
  loops: boolean;
  /** Loops of areas, and not of own seats alone. */
  loopsOfAreas: boolean;
}

export interface OwnedNeeds {
  needs: Need[];
  /** How many there are of a kind; absent where only those shown are known. */
  totals: Partial<Record<Need["kind"], number>>;
  /** Something could not be read: an empty list would lie. */
  unread: boolean;
  /** A first answer to everything came: what comes from now on is new. */
  ready: boolean;
}

/** The district of a place, for the map; "" where it is the whole city. */
const districtOf = (area: string | null): string =>
  area && !area.slice(0, 6).endsWith("00") ? area.slice(0, 6) : "";

function loopNeed(kind: "told" | "late", row: Row, now: number | null): Need {
  const { words } = standing(row, now);
  const about = subjectWords(row.subject);
  return {
    id: `${kind}-${row.id}`,
    kind,
    figure: "",
    area: areaWords(row.area),
    code: districtOf(row.area),
    address: `/loops/${row.id}?list=${kind === "late" ? "overdue" : "told"}`,
    what: [say(row.title), about].filter(Boolean).join(" · "),
    meta: [say(row.stage_title), seatWords(row.owner), words].join(" · "),
  };
}

function alertNeed(item: Item): Need {
  const { now, usual } = figureWords(item);
  return {
    id: `alert-${item.id}`,
    kind: "alert",
    figure: "",
    area: areaWords(item.area),
    code: districtOf(item.area),
    address: `/alerts/${item.id}`,
    what: `${titleWords(item)} ${now}`,
    meta: [levelWords(item.level), usual, t("needRaised", { time: dayAndClock(item.raised_at) })].join(
      " · ",
    ),
  };
}

const toJudge = ({ cause }: Item): boolean => cause?.place === "now" || cause?.place === "waits";

/** `turn` changes when everything is to be read anew. */
export function useOwnedNeeds(may: Readable, moment: string, turn: string): OwnedNeeds {
  const mayLate = may.loops && (may.loopsOfAreas || !moment);
  const mayTold = may.loops && !moment;
  const cityNow = useCityNow();
  const ready = useRef<string | null>(null);
  const past = moment ? { as_of: moment } : {};
  useLoad("areas", readAreas); // drawn again when the names come
  const key = (wanted: boolean, what: string): string | null => (wanted ? `${what} ${moment} ${turn}` : null);
  const alerts = useLoad(key(may.alerts, "alerts"), (signal) =>
    call("GET /api/v1/alerts", { query: { limit: 50, ...past }, signal }),
  );
  const late = useLoad(key(mayLate, "late"), (signal) =>
    call("GET /api/v1/loops", {
      query: {
        owner: may.loopsOfAreas ? "area" : "me",
        overdue: "true",
        limit: shownMost,
        ...past,
      },
      signal,
    }),
  );
  const told = useLoad(key(mayTold, "told"), (signal) =>
    call("GET /api/v1/loops", { query: { owner: "told", limit: shownMost }, signal }),
  );
  const counts = useLoad(key(may.loopsOfAreas && !moment, "counts"), (signal) =>
    call("GET /api/v1/loops:counts", { signal }),
  );
  const last = useRef<{ moment: string; alerts: Desk | null; late: readonly Row[]; told: readonly Row[] }>({
    moment,
    alerts: null,
    late: [],
    told: [],
  });
  if (last.current.moment !== moment) last.current = { moment, alerts: null, late: [], told: [] };
  // What was read stays until the next reading has come: the column never blinks.
  last.current.alerts = alerts.value ?? last.current.alerts;
  last.current.late = late.value?.items ?? last.current.late;
  last.current.told = told.value?.items ?? last.current.told;
  const asked = [...(may.alerts ? [alerts] : []), ...(mayLate ? [late] : []), ...(mayTold ? [told] : [])];
  if (asked.every(({ value, problem }) => value || problem)) ready.current = moment;
  const waiting = (last.current.alerts?.items ?? []).filter(toJudge);
  const now = moment ? secondsOf(moment) : cityNow;
  const tolds = new Set(last.current.told.map(({ id }) => id));
  const overdue = counts.value?.items.reduce((sum, one) => sum + one.overdue, 0);
  return {
    needs: [
      ...last.current.told.map((row) => loopNeed("told", row, now)),
      ...last.current.late
        .filter(({ id }) => !tolds.has(id))
        .map((row) => loopNeed("late", row, now)),
      ...waiting.slice(0, shownMost).map(alertNeed),
    ],
    totals: {
      ...(overdue !== undefined && { late: overdue }),
      ...(last.current.alerts && { alert: waiting.length }),
    },
    unread: asked.some(({ problem }) => problem !== null),
    ready: ready.current === moment,
  };
}
