// The pages of the console, in the order of the head's links.
import type { JSX } from "preact";
import type { Counters, NoticeHead } from "./api/live.ts";
import type { WordKey } from "./catalogue.ts";
import { AlertsScreen } from "./screens/alerts/alerts.tsx";
import { CaseListScreen } from "./screens/cases/case-list.tsx";
import { CaseScreen } from "./screens/cases/case.tsx";
import type { Session } from "./screens/login.tsx";
import { LoopsScreen } from "./screens/loops/loops.tsx";
import { PeopleScreen } from "./screens/people/people.tsx";
import { ruleReaders, RulesScreen } from "./screens/rules/rules.tsx";
import { ScenesScreen } from "./screens/rules/scenes.tsx";
import { SituationScreen } from "./screens/situation/situation.tsx";
import { VenuesScreen } from "./screens/venues/venues.tsx";
import { SystemScreen, systemReaders } from "./screens/system/system.tsx";

/** How fresh the data are: null where nothing came yet. */
export interface Fresh {
  counters: Counters | null;
  reachable: boolean | null;
  notices: NoticeHead | null;
}

/** What a page is drawn from. */
export interface Seen {
  session: Session;
  path: string;
  fresh: Fresh;
}

interface Page {
  /** Its own path; what lies below is the page's too. */
  address: string;
  words: WordKey;
  /** Who lacks it (of several: all of them) is shown no link. */
  permission: string | readonly string[];
  /** null: there is no such page. */
  draw(seen: Seen): JSX.Element | null;
}

/** The number behind an address, as in /cases/12; null where there is none. */
const numberBehind = (address: string, path: string): number | null => {
  const digits = path.startsWith(`${address}/`) ? path.slice(address.length + 1) : "";
  return /^[1-9]\d{0,15}$/.test(digits) ? Number(digits) : null;
};

export const pages: Page[] = [
  {
    address: "/",
    words: "situation",
    permission: "situation.read",
    draw: ({ session, fresh }) => (
      <SituationScreen
        live={fresh.counters}
        mayOpenCases={session.permissions.includes("case.read")}
        may={{
          alerts: session.permissions.includes("alert.read"),
          loops: session.permissions.includes("loop.read"),
          loopsOfAreas: session.permissions.includes("loop.area"),
        }}
      />
    ),
  },
  {
    address: "/alerts",
    words: "alerts",
    permission: "alert.read",
    draw: ({ session, path, fresh }) =>
      path === "/alerts" || numberBehind("/alerts", path) ? (
        <AlertsScreen reader={session} newest={fresh.notices?.newest ?? 0} />
      ) : null,
  },
  {
    address: "/loops",
    words: "loops",
    permission: "loop.read",
    draw: ({ session, path, fresh }) =>
      path === "/loops" || path === "/loops/new" || numberBehind("/loops", path) ? (
        <LoopsScreen reader={session} newest={fresh.notices?.newest ?? 0} />
      ) : null,
  },
  {
    address: "/cases",
    words: "cases",
    permission: "case.read",
    draw: ({ session, path }) => {
      if (path === "/cases") return <CaseListScreen session={session} />;
      const id = numberBehind("/cases", path);
      return id ? <CaseScreen id={id} session={session} /> : null;
    },
  },
  {
    address: "/venues",
    words: "venues",
    permission: "venue.read",
    draw: ({ session, path }) =>
      path === "/venues" || path === "/venues/import" || numberBehind("/venues", path) ? (
        <VenuesScreen reader={session} />
      ) : null,
  },
  {
    address: "/people",
    words: "people",
    permission: ["status.read", "venue.read", "glass.review"],
    draw: ({ session, path }) => <PeopleScreen session={session} path={path} />,
  },
  {
    address: "/scenes",
    words: "scenes",
    permission: "loop.read",
    draw: ({ session, path }) => <ScenesScreen reader={session} path={path} />,
  },
  {
    address: "/rules",
    words: "rules",
    permission: ruleReaders,
    draw: ({ session, path }) => (path === "/rules" ? <RulesScreen reader={session} /> : null),
  },
  {
    address: "/system",
    words: "system",
    permission: systemReaders,
    draw: ({ session, path }) => <SystemScreen reader={session} path={path} />,
  },
];

/** Whether a reader with these permissions is shown the page's link. */
export const mayOpen = ({ permission }: Page, held: readonly string[]): boolean =>
  [permission].flat().some((one) => held.includes(one));

export const pageOf = (path: string): Page | undefined =>
  pages.find(({ address }) => path === address || (address !== "/" && path.startsWith(`${address}/`)));
