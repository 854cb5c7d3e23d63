// Log-in of a venue's staff on a phone. Who may not scan others is told so.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { asProblem, call, setCsrf } from "../api/client.ts";
import { t } from "../catalogue.ts";
import { problemWords } from "../parts/load.tsx";
import { Alert } from "./frame.tsx";

export function StaffLogin({ onEnter }: { onEnter(): void }): JSX.Element {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState<string | null>(null); // null: not asked for
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  async function enter(event: Event): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setWrong("");
    try {
      const session = await call("POST /api/v1/sessions", {
        body: code === null ? { name, password } : { name, password, code },
      });
      setCsrf(session.csrf);
      if (session.kind === "user" && session.permissions.includes("scan.staff")) return onEnter();
      setWrong(t("staffMayNot"));
    } catch (reason) {
      const problem = asProblem(reason);
      if (problem.status === 401 && problem.fields.includes("code") && code === null) setCode("");
      else setWrong(problem.status === 401 ? t("staffLoginWrong") : problemWords(problem));
    }
    setBusy(false);
  }
  return (
    <form class="plain-form" onSubmit={(event) => void enter(event)}>
      <p>{t("staffMeans")}</p>
      <label class="field">
        {t("staffName")}
        <input
          name="name"
          required
          autocomplete="username"
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <label class="field">
        {t("staffPassword")}
        <input
          name="password"
          type="password"
          required
          autocomplete="current-password"
          value={password}
          onInput={(event) => setPassword(event.currentTarget.value)}
        />
      </label>
      {code !== null && (
        <label class="field">
          {t("staffCode")}
          <input
            name="code"
            inputMode="numeric"
            autocomplete="one-time-code"
            pattern="[0-9]{6}"
            required
            value={code}
            ref={(field) => {
              if (field?.value === "") field.focus();
            }}
            onInput={(event) => setCode(event.currentTarget.value)}
          />
        </label>
      )}
      <Alert words={wrong} />
      <button class="button main" type="submit" disabled={busy}>
        {t("staffEnter")}
      </button>
    </form>
  );
}
