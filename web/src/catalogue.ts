// Every word of the pages, in both languages: one file a screen in words/. `{name}` is a place for a
// value; a test proves that both languages have the same places. English runs longer: titles may take
// a third line. A document carries its own words only: the phone pages have to stay small.
import { settings, type Language } from "./settings.ts";
import type { consoleWords } from "./words/console.ts";
import type { phoneWords } from "./words/phone.ts";
import { sharedWords } from "./words/shared.ts";

export type Words = Record<string, Record<Language, string>>;
export type WordKey =
  | keyof typeof sharedWords
  | keyof typeof consoleWords
  | keyof typeof phoneWords;

const words: Words = { ...sharedWords };

/** The words of a document, before it draws anything. */
export function addWords(more: Words): void {
  Object.assign(words, more);
}

// {name}, or {name|case|cases} where English needs the number's own form.
const places = /\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g;

export function t(key: WordKey, values: Record<string, string | number> = {}): string {
  return (words[key]?.[settings.language] ?? key).replace(places, (_, name: string, one?: string, many?: string) => {
    const value = String(values[name] ?? "");
    return one === undefined ? value : `${value} ${value === "1" ? one : many}`;
  });
}

/** For keys that the server's names complete, such as `counter_` and a counter: null where unknown. */
export function wordFor(prefix: string, name: string): string | null {
  return words[`${prefix}_${name}`]?.[settings.language] ?? null;
}
