// Who broke the glass, when and why: for leads and reviewers. It names officers, no person.
import type { JSX } from "preact";
import { call, type Answer } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { dayAndClock, secondsOf } from "../../format.ts";
import { useCityNow } from "../../parts/city-clock.ts";
import { useKeys } from "../../parts/keys.tsx";
import { usePages } from "../../parts/pages.ts";
import { go } from "../../router.ts";
import { roleWords } from "../login.tsx";
import { PageOf } from "./around.tsx";

type Broken = Answer<"GET /api/v1/break-glass">["items"][number];

export function GlassList(): JSX.Element {
  const now = useCityNow();
  const pages = usePages<Broken>("glass", (after) =>
    call("GET /api/v1/break-glass", { query: { limit: 100, ...(after && { after }) } }),
  );
  useKeys({ Escape: () => go("/people") });
  return (
    <section class="people-home">
      <h1>{t("glassTab")}</h1>
      <p class="dim small">{t("glassListNote")}</p>
      <PageOf pages={pages} none={t("glassNobody")}>
        <div class="scroll-x" tabIndex={0} role="group" aria-label={t("glassTab")}>
          <table class="pieces glass-list">
            <thead>
              <tr>
                <th>{t("thOpened")}</th>
                <th>{t("thOfficer")}</th>
                <th>{t("glassReason")}</th>
                <th>{t("thExpires")}</th>
              </tr>
            </thead>
            <tbody>
              {pages.rows.map((one) => (
                <tr key={one.no}>
                  <td>{dayAndClock(one.opened_at)}</td>
                  <td>
                    {roleWords(one.role)} · {one.user}
                  </td>
                  <td class="wrap">{one.reason ?? t("glassReasonGone")}</td>
                  <td>
                    {dayAndClock(one.expires_at)}
                    {now !== null && secondsOf(one.expires_at) > now && <b class="late"> {t("glassOpenNow")}</b>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </PageOf>
    </section>
  );
}
