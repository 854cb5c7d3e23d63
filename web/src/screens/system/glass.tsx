// Who broke the glass in the reader's area, when and why.
import type { JSX } from "preact";
import { call } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { dayAndClock } from "../../format.ts";
import { useLoad, Waiting } from "../../parts/load.tsx";
import { roleWords } from "../login.tsx";

export function GlassTab(): JSX.Element {
  const glass = useLoad("glass", (signal) =>
    call("GET /api/v1/break-glass", { query: { limit: 200 }, signal }),
  );
  if (!glass.value) return <Waiting loaded={glass} />;
  const rows = glass.value.items;
  return (
    <div class="tab">
      <h1>{t(rows.length ? "glassTitle" : "glassNone", { count: rows.length })}</h1>
      <p class="small dim">{t("glassAbout")}</p>
      {rows.length > 0 && (
        <div class="scroll-x" tabIndex={0} role="group" aria-label={t("tabGlass")}>
          <table class="wrap">
            <thead>
              <tr>
                <th scope="col">{t("thOpenedAt")}</th>
                <th scope="col">{t("thUser")}</th>
                <th scope="col">{t("thRole")}</th>
                <th scope="col">{t("thReason")}</th>
                <th scope="col">{t("thUntil")}</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.no}>
                  <td class="keep">{dayAndClock(row.opened_at)}</td>
                  <th scope="row">{row.user}</th>
                  <td>{roleWords(row.role)}</td>
                  <td>{row.reason ?? t("glassReasonGone")}</td>
                  <td class="keep">{dayAndClock(row.expires_at)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {glass.value.next && <p class="quiet">{t("moreOlder")}</p>}
    </div>
  );
}
