// A tone for what arrives, where the reader wants one: two short notes, made and not fetched. A browser
// makes no sound in a page that nobody has touched yet; the switch itself is such a touch.
import type { JSX } from "preact";
import { t } from "../catalogue.ts";
import { changeSettings, settings } from "../settings.ts";

const notes = [660, 880]; // Hz
const noteSeconds = 0.11;
const loudness = 0.08;

export function sound(): void {
  if (!settings.sound) return;
  const context = new AudioContext();
  const volume = context.createGain();
  volume.connect(context.destination);
  const begin = context.currentTime + 0.02;
  const end = begin + notes.length * noteSeconds;
  volume.gain.setValueAtTime(loudness, begin);
  volume.gain.setValueAtTime(loudness, end - 0.03);
  volume.gain.linearRampToValueAtTime(0, end); // no click
  notes.forEach((hertz, i) => {
    const note = context.createOscillator();
    note.frequency.value = hertz;
    note.connect(volume);
    note.start(begin + i * noteSeconds);
    note.stop(begin + (i + 1) * noteSeconds);
    if (i === notes.length - 1) note.onended = () => void context.close();
  });
  // Where the browser keeps it silent until a touch, it must not sound minutes later.
  if (context.state === "suspended") setTimeout(() => void context.close().catch(() => {}), 1000);
}

export function SoundSwitch(): JSX.Element {
  return (
    <div class="switch">
      <button
        type="button"
        data-sound
        aria-pressed={settings.sound}
        title={t("soundHint")}
        onClick={() => {
          changeSettings({ sound: !settings.sound });
          sound(); // so it will be
        }}
      >
        {t("sound")}
      </button>
    </div>
  );
}
