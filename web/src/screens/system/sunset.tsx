// The end: whether it is planned, who signed it, and the certificate that anybody can check. Its acts
// are commands on the machine, with two signatures: no page ends a city.
import type { JSX } from "preact";
import { call } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { dayAndClock } from "../../format.ts";
import { Icon } from "../../parts/icons.tsx";
import { useLoad, Waiting } from "../../parts/load.tsx";
import { roleWords } from "../login.tsx";

export function SunsetTab(): JSX.Element {
  const sunset = useLoad("sunset", (signal) => call("GET /api/v1/sunset", { signal }));
  if (!sunset.value) return <Waiting loaded={sunset} />;
  const { state, plan, signatures, certificate } = sunset.value;
  return (
    <div class="tab">
      <h1>{t(`sunset_${state}`)}</h1>
      <p class="dim">{t(`sunsetWords_${state}`)}</p>
      <p class="small dim">{t("sunsetAct")}</p>
      {signatures.length > 0 && (
        <section>
          <h2>{t("sunsetSigned", { count: signatures.length })}</h2>
          <ol class="hands">
            {signatures.map((one) => (
              <li key={one.name}>
                <Icon name="done" />
                {one.name} · {roleWords(one.role)} · {dayAndClock(one.at)}
              </li>
            ))}
          </ol>
        </section>
      )}
      {plan !== null && (
        <details>
          <summary>{t("sunsetPlan")}</summary>
          <pre tabIndex={0}>{JSON.stringify(plan, null, 2)}</pre>
        </details>
      )}
      {certificate !== null && (
        <details open>
          <summary>{t("sunsetCertificate")}</summary>
          <pre tabIndex={0}>{JSON.stringify(certificate, null, 2)}</pre>
        </details>
      )}
    </div>
  );
}
