// What the phone pages share: head, way to the other pages, start.
import { render, type ComponentChildren, type JSX } from "preact";
import { addWords, t, type WordKey } from "../catalogue.ts";
import { Switches, useSettings } from "../parts/switches.tsx";
import "../style/tokens.css";
import "../style/base.css";
import "../style/phone.css";
import { phoneWords } from "../words/phone.ts";
import { keepForOffline } from "./offline.ts";

const places: { path: string; words: WordKey }[] = [
  { path: "/me", words: "myCode" },
  { path: "/scan", words: "scanVenue" },
  { path: "/public", words: "publicPage" },
];

export function Frame(props: {
  title: string;
  /** Staff have no way to a holder's pages: another's phone, another's session. */
  alone?: boolean;
  children: ComponentChildren;
}): JSX.Element {
  useSettings();
  return (
    <>
      <header class="phone-top">
        <h1>{props.title}</h1>
        <Switches />
      </header>
      <main>{props.children}</main>
      {!props.alone && (
        <nav class="phone-nav" aria-label={t("phoneNav")}>
          {places.map(({ path, words }) => (
            <a key={path} href={path} aria-current={location.pathname === path ? "page" : undefined}>
              {t(words)}
            </a>
          ))}
        </nav>
      )}
    </>
  );
}

export function Alert({ words }: { words: string }): JSX.Element | null {
  if (!words) return null;
  return (
    <p class="notice bad" role="alert">
      {words}
    </p>
  );
}

export function start(page: JSX.Element): void {
  addWords(phoneWords);
  const place = document.getElementById("app")!;
  place.replaceChildren(); // what the document itself shows until now
  render(page, place);
  keepForOffline();
}
