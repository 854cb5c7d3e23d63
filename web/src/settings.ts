// What the reader chose for this browser: language, theme, a tone for what arrives. Everything that is drawn follows.

export type Language = "zh" | "en";
export type Theme = "light" | "dark";

interface Settings {
  language: Language;
  theme: Theme;
  /** A tone when something arrives; off unless wanted. */
  sound: boolean;
}

const storeName = "chengmai.settings";
const listeners = new Set<() => void>();

function preferredTheme(): Theme {
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

function read(): Settings {
  let kept: Partial<Settings> = {};
  try {
    kept = JSON.parse(localStorage.getItem(storeName) ?? "{}") as Partial<Settings>;
  } catch {
    // A browser without storage, or one with spoilt storage, gets the defaults.
  }
  return {
    language: kept.language === "en" ? "en" : "zh",
    theme: kept.theme === "dark" || kept.theme === "light" ? kept.theme : preferredTheme(),
    sound: kept.sound === true,
  };
}

export const settings: Settings = read();

function apply(): void {
  document.documentElement.lang = settings.language === "zh" ? "zh-CN" : "en";
  document.documentElement.dataset["theme"] = settings.theme;
}

export function changeSettings(change: Partial<Settings>): void {
  Object.assign(settings, change);
  apply();
  try {
    localStorage.setItem(storeName, JSON.stringify(settings));
  } catch {
    // The choice then lasts as long as the page.
  }
  listeners.forEach((listener) => listener());
}

export function onSettingsChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// The tone is the browser's, not the page's: any of its pages may be the one that makes it.
addEventListener("storage", (event) => {
  if (event.key !== storeName) return;
  settings.sound = read().sound;
  listeners.forEach((listener) => listener());
});

apply();
