// The spoken answer: short clips that ship with the pages, one a decision and language. A browser that
// may not play sound stays silent; nothing waits for it.
import checkEnglish from "../sound/check-en.mp3";
import checkChinese from "../sound/check-zh.mp3";
import passEnglish from "../sound/pass-en.mp3";
import passChinese from "../sound/pass-zh.mp3";
import refuseEnglish from "../sound/refuse-en.mp3";
import refuseChinese from "../sound/refuse-zh.mp3";
import { settings, type Language } from "../settings.ts";

type Spoken = "pass" | "check" | "refuse";

const clips: Record<Spoken, Record<Language, string>> = {
  pass: { zh: passChinese, en: passEnglish },
  check: { zh: checkChinese, en: checkEnglish },
  refuse: { zh: refuseChinese, en: refuseEnglish },
};

export function speak(what: Spoken): void {
  new Audio(clips[what][settings.language]).play().catch(() => {});
}
