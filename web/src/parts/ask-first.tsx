// Before an act that cannot be taken back: a sentence that says what it will do, and the act in words.
// Nothing happens by one press; Esc and the first button go back.
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../catalogue.ts";

interface Props {
  title: string;
  /** What will be so afterwards, for whom. */
  children: ComponentChildren;
  act: string;
  busy: boolean;
  onAct(): void;
  onBack(): void;
}

export function AskFirst({ title, children, act, busy, onAct, onBack }: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    box.current?.querySelector("button")?.focus();
  }, []);
  return (
    <div
      ref={box}
      class="ask"
      role="alertdialog"
      aria-labelledby="ask-title"
      aria-describedby="ask-words"
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        onBack();
      }}
    >
      <h3 id="ask-title">{title}</h3>
      <div id="ask-words">{children}</div>
      <div class="bar-line">
        <button class="button" type="button" onClick={onBack}>
          {t("askBack")} <kbd>Esc</kbd>
        </button>
        <button class="button grave" type="button" disabled={busy} onClick={onAct}>
          {act}
        </button>
      </div>
    </div>
  );
}
