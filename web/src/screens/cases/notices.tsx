// Inter-area notices that name this case: whom, where to, how it stands; each is a door to its loop.
import type { JSX } from "preact";
import { call } from "../../api/client.ts";
import { t, wordFor } from "../../catalogue.ts";
import { dayAndClock } from "../../format.ts";
import { useCityNow } from "../../parts/city-clock.ts";
import { Icon } from "../../parts/icons.tsx";
import { useLoad, problemWords } from "../../parts/load.tsx";
import { follow } from "../../router.ts";
import { say } from "../loops/definitions.ts";
import { standing, type Row } from "../loops/words.ts";

const scene = "inter_area_notice";

export function Notices({ id, purpose }: { id: number; purpose: string }): JSX.Element {
  const now = useCityNow();
  const loaded = useLoad(`notices-${id}`, (signal) =>
    call("GET /api/v1/cases/{id}/loops", {
      path: { id },
      query: { scene, limit: 100 },
      purpose,
      signal,
    }),
  );
  const rows = loaded.value?.items ?? [];
  const late = rows.filter((row) => standing(row as Row, now).tone === "late").length;
  return (
    <section aria-labelledby="notices-title">
      <h2 id="notices-title">
        {loaded.value && rows.length
          ? t(late ? "caseNoticesLate" : "caseNoticesTitle", { count: rows.length, late })
          : t("caseNotices")}
      </h2>
      {loaded.problem && <p class="notice">{problemWords(loaded.problem)}</p>}
      {loaded.value && !rows.length && <p class="small dim">{t("caseNoticesNone")}</p>}
      <ul class="case-notices">
        {rows.map((row) => {
          const { tone, icon, words } = standing(row as Row, now);
          const fields = row.fields as Record<string, string | undefined>;
          return (
            <li key={row.id}>
              <span class={`shape ${tone}`}>
                <Icon name={icon} />
              </span>
              <a href={`/loops/${row.id}`} onClick={follow}>
                {fields.other_area ?? t("caseNoticeNowhere")}
              </a>
              <span>
                {say(row.stage_title)}
                {fields.direction && ` · ${wordFor("direction", fields.direction) ?? ""}`}
                {fields.notice_no && ` · ${fields.notice_no}`}
              </span>
              <b class={tone}>{words}</b>
              <span class="dim">{t("caseNoticeOpened", { time: dayAndClock(row.opened_at) })}</span>
            </li>
          );
        })}
      </ul>
      {loaded.value?.next && <p class="quiet">{t("caseNoticesMore")}</p>}
    </section>
  );
}
