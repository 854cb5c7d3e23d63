import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../catalogue.ts";
import { changeSettings, onSettingsChange, settings, type Language } from "../settings.ts";

/** Draws the caller again when language or theme change. */
export function useSettings(): void {
  const [, setTurn] = useState(0);
  useEffect(() => onSettingsChange(() => setTurn((old) => old + 1)), []);
}

const languages: { language: Language; words: string; lang: string }[] = [
  { language: "zh", words: "中", lang: "zh-CN" }, { language: "en", words: "EN", lang: "en" },
];

export function Switches(): JSX.Element {
  return (
    <>
      <div class="switch" role="group" aria-label={t("languageGroup")}>
        {languages.map(({ language, words, lang }) => (
          <button key={language} type="button" lang={lang} aria-pressed={settings.language === language}
            onClick={() => changeSettings({ language })}>{words}</button>
        ))}
      </div>
      <div class="switch">
        <button type="button" aria-pressed={settings.theme === "dark"}
          onClick={() => changeSettings({ theme: settings.theme === "dark" ? "light" : "dark" })}>
          {t("themeDark")}
        </button>
      </div>
    </>
  );
}
