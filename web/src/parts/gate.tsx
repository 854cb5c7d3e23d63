// The gate before identity: a purpose, and the note that the look is recorded standing before the act.
// No purpose is chosen in advance, except where the server takes one only.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../catalogue.ts";
import { Icon } from "./icons.tsx";

interface Props {
  title: string;
  reader: string;
  purposes: readonly { value: string; words: string }[];
  onOpen(purpose: string): void;
}

export function PurposeGate({ title, reader, purposes, onOpen }: Props): JSX.Element {
  const [purpose, setPurpose] = useState(purposes.length === 1 ? purposes[0]!.value : "");
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    form.current?.querySelector<HTMLElement>("input")?.focus();
  }, []);
  return (
    <form ref={form} class="gate" onSubmit={(event) => {
      event.preventDefault();
      if (purpose) onOpen(purpose);
    }}>
      <h1><Icon name="lock" />{title}</h1>
      <p class="record" id="gate-note">{t("gateNote", { name: reader })}</p>
      <p class="dim small">{t("gateMasked")}</p>
      <fieldset>
        <legend>{t("gatePurpose")}</legend>
        {purposes.map(({ value, words }) => (
          <label key={value}>
            <input type="radio" name="purpose" value={value} checked={purpose === value}
              onChange={() => setPurpose(value)} />
            {words}
          </label>
        ))}
      </fieldset>
      <div class="bar-line">
        <button class="button main" type="submit" disabled={!purpose} aria-describedby="gate-note">
          <Icon name="lock" />{t("gateOpen")}<kbd>Enter</kbd>
        </button>
        {!purpose && <span class="dim small">{t("gateChoose")}</span>}
      </div>
    </form>
  );
}
