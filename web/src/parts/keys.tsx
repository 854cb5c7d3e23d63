// Keys that work wherever the focus is on a page (but never while a field is being typed in).
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../catalogue.ts";
import { keyIsTaken } from "./virtual-list.tsx";

export function useKeys(keys: Record<string, () => void>): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const act = latest.current[event.key];
      if (!act || keyIsTaken(event)) return;
      // Enter on a button or a link is that control's own.
      const target = event.target as HTMLElement;
      if (
        event.key === "Enter" &&
        target.closest("a, button, summary, [role=button], [role=listbox]")
      )
        return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}

interface FilterProps {
  id: string;
  label: string;
  value: string;
  onInput(value: string): void;
  /** Enter or Escape in the field: where the focus goes next. */
  onLeave(): void;
}

export function Filter({ id, label, value, onInput, onLeave }: FilterProps): JSX.Element {
  return (
    <input
      id={id}
      class="filter"
      type="search"
      aria-label={label}
      placeholder={label}
      value={value}
      autocomplete="off"
      spellcheck={false}
      onInput={(event) => onInput(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== "Escape" && event.key !== "Enter") return;
        if (event.key === "Escape") onInput("");
        event.preventDefault();
        event.stopPropagation();
        onLeave();
      }}
    />
  );
}

export function focusOn(id: string): void {
  document.getElementById(id)?.focus();
}

/** For what has just come: never takes the focus from a field that somebody is in. */
export function offerFocus(id: string): void {
  if (!document.activeElement?.matches("input, select, textarea")) focusOn(id);
}

export function KeyHint({
  keys,
  children,
}: {
  keys: string[];
  children: ComponentChildren;
}): JSX.Element {
  return (
    <span class="keys">
      {keys.map((key) => (
        <kbd key={key}>{key}</kbd>
      ))}
      {children}
    </span>
  );
}

export function ListKeys(): JSX.Element {
  return (
    <>
      <KeyHint keys={["J", "K"]}>{t("keysMove")}</KeyHint>
      <KeyHint keys={["Enter"]}>{t("keysOpen")}</KeyHint>
      <KeyHint keys={["/"]}>{t("keysFilter")}</KeyHint>
      <KeyHint keys={["Esc"]}>{t("keysBack")}</KeyHint>
    </>
  );
}
