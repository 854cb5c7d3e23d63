// People and units: which page of them the address names, and the tabs between them.
import type { JSX } from "preact";
import { t, type WordKey } from "../../catalogue.ts";
import { useLoad } from "../../parts/load.tsx";
import { follow } from "../../router.ts";
import { readAreas } from "../loops/definitions.ts";
import type { Session } from "../login.tsx";
import { cameFrom } from "./back.ts";
import { DossierScreen } from "./dossier.tsx";
import { GlassList } from "./glass.tsx";
import { PersonsScreen } from "./persons.tsx";
import { UnitScreen } from "./unit.tsx";
import { UnitList } from "./units.tsx";
import { AppealList, OverrideList } from "./worklists.tsx";

export interface PaneProps {
  session: Session;
}

interface Tab {
  name: string;
  words: WordKey;
  permission: string;
  pane(props: PaneProps): JSX.Element;
}

const tabs: Tab[] = [
  { name: "", words: "peopleTab", permission: "status.read", pane: PersonsScreen },
  { name: "units", words: "unitsTab", permission: "venue.read", pane: UnitList },
  { name: "overrides", words: "overridesTab", permission: "override.approve", pane: OverrideList },
  { name: "appeals", words: "appealsTab", permission: "appeal.decide", pane: AppealList },
  { name: "glass", words: "glassTab", permission: "glass.review", pane: GlassList },
];

const addressOf = (tab: Tab): string => (tab.name ? `/people/${tab.name}` : "/people");

function Tabs({ session, name }: { session: Session; name: string }): JSX.Element {
  const shown = tabs.filter((tab) => session.permissions.includes(tab.permission));
  return (
    <nav class="people-tabs" aria-label={t("peopleTabs")}>
      {shown.map((tab) => (
        <a
          key={tab.name}
          href={addressOf(tab)}
          aria-current={tab.name === name ? "page" : undefined}
          onClick={follow}
        >
          {t(tab.words)}
        </a>
      ))}
    </nav>
  );
}

const number = (text: string): number => (/^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0);

/** null: there is no such page. */
export function PeopleScreen({ session, path }: { session: Session; path: string }): JSX.Element {
  useLoad("areas", readAreas); // what is drawn is drawn again when their names come
  const [, , first = "", second = ""] = path.split("/");
  const no = number(first);
  if (no) return <DossierScreen key={no} no={no} session={session} />;
  const unit = first === "units" ? number(second) : 0;
  if (unit) return <UnitScreen key={unit} no={unit} session={session} />;
  const may = (tab: Tab): boolean => session.permissions.includes(tab.permission);
  const asked = tabs.find((tab) => tab.name === first && !second);
  const tab = asked && may(asked) ? asked : first ? undefined : tabs.find(may);
  if (!tab)
    return (
      <p class="notice bad" role="alert">
        {t(asked ? "failedForbidden" : "failedMissing")}
      </p>
    );
  const Pane = tab.pane;
  cameFrom(addressOf(tab));
  return (
    <div class="people-page">
      <Tabs session={session} name={tab.name} />
      <Pane session={session} />
    </div>
  );
}
