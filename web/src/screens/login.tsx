// Log-in of officers. A demo city offers its accounts and says that they are a stub.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call, Problem, type Answer } from "../api/client.ts";
import { t } from "../catalogue.ts";
import { dayAndClock } from "../format.ts";
import { problemWords, useLoad } from "../parts/load.tsx";
import { roleNames } from "../policy-names.ts";
import { settings } from "../settings.ts";

export type Session = Extract<Answer<"GET /api/v1/sessions/current">, { kind: "user" }>;

export const roleWords = (role: string): string => roleNames[role]?.[settings.language] ?? role;

interface Props {
  ended: boolean;
  onLogin(session: Session): void;
}

export function LoginScreen({ ended, onLogin }: Props): JSX.Element {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState<string | null>(null); // null: not asked for
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const fields = useRef<HTMLFormElement>(null);
  const about = useLoad("about", (signal) => call("GET /api/v1/public/about", { signal }));

  useEffect(() => {
    // The button that was pressed is not to be pressed while it is busy, and has lost the focus.
    const wanted = code === null || (problem && !problem.fields.includes("code")) ? "password" : "code";
    const field = fields.current?.querySelector<HTMLInputElement>(`[name=${wanted}]`);
    if (!problem && code === null) return;
    field?.focus();
    field?.select();
  }, [problem, code === null]);

  async function logIn(event: Event): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const session = await call("POST /api/v1/sessions", {
        body: code === null ? { name, password } : { name, password, code },
      });
      if (session.kind === "user") onLogin(session);
    } catch (reason) {
      const problem = reason instanceof Problem ? reason : new Problem(-1, "", String(reason));
      const wantsCode = problem.status === 401 && problem.fields.includes("code");
      if (wantsCode && code === null) setCode("");
      setProblem(wantsCode && code === null ? null : problem);
      setBusy(false);
    }
  }

  return (
    <div class="login">
      <form ref={fields} onSubmit={(event) => void logIn(event)}>
        <h1>{t("loginTitle")}</h1>
        {about.value && (
          <p class="dim">{t("cityTime", { time: dayAndClock(about.value.city_now) })}</p>
        )}
        {ended && !problem && (
          <p class="notice" role="status">
            {t("loginSessionEnded")}
          </p>
        )}
        <label class="field">
          {t("loginName")}
          <input
            name="name"
            autocomplete="username"
            required
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          {t("loginPassword")}
          <input
            name="password"
            type="password"
            autocomplete="current-password"
            required
            aria-describedby={problem ? "login-problem" : undefined}
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        </label>
        {code !== null && (
          <label class="field">
            {t("loginCode")}
            <input
              name="code"
              inputMode="numeric"
              autocomplete="one-time-code"
              pattern="[0-9]{6}"
              required
              value={code}
              onInput={(event) => setCode(event.currentTarget.value)}
            />
          </label>
        )}
        {problem && (
          <p id="login-problem" class="notice bad" role="alert">
            {problem.status === 401 ? t("loginWrong") : problemWords(problem)}
          </p>
        )}
        <button class="button main" type="submit" disabled={busy}>
          {t(busy ? "loginBusy" : "loginAct")}
        </button>
        <a href="/me">{t("myCodeDoor")}</a>
      </form>
      {about.value?.demo && (
        <section class="stub" aria-labelledby="stub-title">
          <h2 id="stub-title">{t("demoLogins")}</h2>
          <p class="small dim">{t("demoLoginsHint")}</p>
          <ul>
            {about.value.demo_logins.map((login) => (
              <li key={login.name}>
                <button
                  class="button"
                  type="button"
                  data-login={login.name}
                  onClick={() => {
                    setName(login.name);
                    setPassword(login.password);
                    document.querySelector<HTMLElement>("form button[type=submit]")?.focus();
                  }}
                >
                  <span>{roleWords(login.name)}</span>
                  <span class="quiet">{login.name}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}
