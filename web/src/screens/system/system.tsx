// The platform itself: who may act, who looked, what is forgotten, what is checked. Nothing here names
// a person of the city. Each part is shown to who holds its permission; the server refuses anyway.
import type { JSX } from "preact";
import { t, type WordKey } from "../../catalogue.ts";
import { useKeys } from "../../parts/keys.tsx";
import { follow, go } from "../../router.ts";
import type { Session } from "../login.tsx";
import { AuditTab } from "./audit.tsx";
import { GlassTab } from "./glass.tsx";
import { HealthTab } from "./health.tsx";
import { JobsTab } from "./jobs.tsx";
import { RetentionTab } from "./retention.tsx";
import { SunsetTab } from "./sunset.tsx";
import { UsersTab } from "./users.tsx";

interface Tab {
  name: string;
  words: WordKey;
  permission: string;
  draw(reader: Session): JSX.Element;
}

const tabs: Tab[] = [
  { name: "users", words: "tabUsers", permission: "user.manage", draw: (reader) => <UsersTab reader={reader} /> },
  { name: "audit", words: "tabAudit", permission: "audit.read", draw: (reader) => <AuditTab reader={reader} /> },
  { name: "glass", words: "tabGlass", permission: "glass.review", draw: () => <GlassTab /> },
  { name: "retention", words: "tabRetention", permission: "system.read", draw: () => <RetentionTab /> },
  { name: "sunset", words: "tabSunset", permission: "system.read", draw: () => <SunsetTab /> },
  { name: "health", words: "tabHealth", permission: "system.read", draw: () => <HealthTab /> },
  { name: "jobs", words: "tabJobs", permission: "system.read", draw: () => <JobsTab /> },
];

export const systemReaders = [...new Set(tabs.map(({ permission }) => permission))];

export function SystemScreen({ reader, path }: { reader: Session; path: string }): JSX.Element | null {
  const shown = tabs.filter(({ permission }) => reader.permissions.includes(permission));
  const name = /^\/system\/([a-z]+)$/.exec(path)?.[1] ?? (path === "/system" ? shown[0]?.name : "");
  const tab = shown.find((one) => one.name === name);
  const digits = Object.fromEntries(
    shown.map((one, i) => [String(i + 1), () => go(`/system/${one.name}`)]),
  );
  useKeys({ ...digits, Escape: () => go("/") });
  if (!shown.length || (!tab && tabs.some((one) => one.name === name)))
    return (
      <div class="page">
        <p class="notice bad" role="alert">
          {t("failedForbidden")}
        </p>
      </div>
    );
  if (!tab)
    return (
      <div class="page">
        <h1>{t("notFoundTitle")}</h1>
      </div>
    );
  return (
    <div class="system">
      <nav class="tabs" aria-label={t("systemTabs")}>
        {shown.map((one, i) => (
          <a
            key={one.name}
            href={`/system/${one.name}`}
            aria-current={one === tab ? "page" : undefined}
            onClick={follow}
          >
            {t(one.words)} <kbd>{i + 1}</kbd>
          </a>
        ))}
      </nav>
      {tab.draw(reader)}
    </div>
  );
}
