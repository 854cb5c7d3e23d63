// The way in of a holder through an identity provider. Only a stub can be used on these pages: it says
// what it is.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { asProblem, call, setCsrf, type Answer } from "../api/client.ts";
import { t } from "../catalogue.ts";
import { problemWords } from "../parts/load.tsx";
import { settings } from "../settings.ts";
import { Alert } from "./frame.tsx";

type Provider = Answer<"GET /api/v1/public/about">["identity_providers"][number];

export function Entrance({ onEnter }: { onEnter(): void }): JSX.Element {
  const [subject, setSubject] = useState("");
  const [wrong, setWrong] = useState("");
  const [provider, setProvider] = useState<Provider | null | undefined>(undefined);
  useEffect(() => {
    call("GET /api/v1/public/about").then(
      (about) => setProvider(about.identity_providers.find((one) => one.stub) ?? null),
      (reason: unknown) => setWrong(problemWords(asProblem(reason))),
    );
  }, []);
  async function enter(event: Event, name: string): Promise<void> {
    event.preventDefault();
    setWrong("");
    try {
      const session = await call("POST /api/v1/sessions", {
        body: { provider: name, person_no: Number(subject), device: true },
      });
      setCsrf(session.csrf);
      onEnter();
    } catch (reason) {
      const problem = asProblem(reason);
      setWrong(problem.status === 0 ? problemWords(problem) : t("meLoginWrong"));
    }
  }
  if (provider === undefined)
    return wrong ? <Alert words={wrong} /> : <p role="status">{t("loading")}…</p>;
  if (!provider) return <p>{t("meLoginReal")}</p>;
  return (
    <form class="stub-form" onSubmit={(event) => void enter(event, provider.name)}>
      <h2>{t("meLoginTitle")}</h2>
      <p class="dim">{provider.words[settings.language]}</p>
      <label class="field">
        {t("meLoginField")}
        <input
          name="subject"
          required
          autocomplete="off"
          inputMode="numeric"
          pattern="[0-9]{1,9}"
          value={subject}
          onInput={(event) => setSubject(event.currentTarget.value)}
        />
      </label>
      <Alert words={wrong} />
      <button class="button main" type="submit">
        {t("meLoginAct")}
      </button>
    </form>
  );
}

/** A write needs the session's text against forgery; a page that was loaded anew has none yet. */
export async function armed(): Promise<void> {
  setCsrf((await call("GET /api/v1/sessions/current")).csrf);
}
