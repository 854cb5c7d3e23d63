// Where a code comes from: the camera, a picture file, or what somebody types. The camera needs a
// secure context (https, or this machine itself); without one the other two ways stay, and it says why.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../catalogue.ts";
import { readFrame, readPicture, startDecoder } from "./decoding.ts";
import { Alert } from "./frame.tsx";

const restMilliseconds = 60; // between two frames, for the phone's sake

type Fault = "refused" | "missing" | "decoder";

function faultOf(reason: unknown): Fault {
  const name = reason instanceof DOMException ? reason.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "refused";
  return name ? "missing" : "decoder";
}

/** The camera's picture; calls `onText` for each code that is read, until it is unmounted. */
function Finder(props: { onText(text: string): void; onFault(fault: Fault): void }): JSX.Element {
  const video = useRef<HTMLVideoElement>(null);
  const latest = useRef(props);
  latest.current = props;
  useEffect(() => {
    const canvas = document.createElement("canvas");
    let stream: MediaStream | null = null;
    let ended = false;
    const decoder = startDecoder();
    async function look(): Promise<void> {
      stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "environment", width: { ideal: 1280 } },
        audio: false,
      });
      const shown = video.current;
      if (ended || !shown) return stop();
      shown.srcObject = stream;
      await shown.play();
      while (!ended) {
        const text = shown.videoWidth ? await readFrame(decoder, canvas, shown) : null;
        if (text !== null && !ended) latest.current.onText(text);
        await new Promise((done) => setTimeout(done, restMilliseconds));
      }
    }
    function stop(): void {
      stream?.getTracks().forEach((track) => track.stop());
    }
    look().catch((reason: unknown) => {
      stop();
      if (!ended) latest.current.onFault(faultOf(reason));
    });
    return () => {
      ended = true;
      decoder.end();
      stop();
    };
  }, []);
  return (
    <div class="finder">
      <video ref={video} muted playsInline aria-label={t("cameraPicture")} />
    </div>
  );
}

function Camera({ onText }: { onText(text: string): void }): JSX.Element {
  const [open, setOpen] = useState(false);
  const [fault, setFault] = useState<Fault | null>(null);
  useEffect(() => {
    // Who allowed it before is not asked again.
    navigator.permissions
      ?.query({ name: "camera" as PermissionName })
      .then((found) => setOpen((now) => now || found.state === "granted"))
      .catch(() => {});
  }, []);
  if (!window.isSecureContext || !navigator.mediaDevices)
    return <p class="notice camera-none">{t("cameraInsecure")}</p>;
  if (fault)
    return (
      <div class="notice bad" role="alert">
        <span>
          {t(
            fault === "refused"
              ? "cameraRefused"
              : fault === "missing"
                ? "cameraMissing"
                : "cameraDecoder",
          )}
        </span>
        <button class="button" type="button" onClick={() => setFault(null)}>
          {t("retry")}
        </button>
      </div>
    );
  return open ? (
    <Finder
      onText={onText}
      onFault={(found) => {
        setFault(found);
        setOpen(false);
      }}
    />
  ) : (
    <button class="button main wide" type="button" onClick={() => setOpen(true)}>
      {t("cameraOpen")}
    </button>
  );
}

function Picture({ onText }: { onText(text: string): void }): JSX.Element {
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  async function read(input: HTMLInputElement): Promise<void> {
    const file = input.files?.[0];
    if (!file) return;
    setWrong("");
    setBusy(true);
    try {
      const text = await readPicture(file);
      if (text === null) setWrong(t("pictureNothing"));
      else onText(text);
    } catch {
      setWrong(t("pictureNone"));
    }
    input.value = "";
    setBusy(false);
  }
  return (
    <>
      <label class="button wide picture-way" data-busy={busy || undefined}>
        {t(busy ? "pictureBusy" : "pictureOpen")}
        <input
          class="sr"
          type="file"
          name="picture"
          accept="image/*"
          onChange={(event) => void read(event.currentTarget)}
        />
      </label>
      <Alert words={wrong} />
    </>
  );
}

export function CodeSource({ onText }: { onText(text: string): void }): JSX.Element {
  return (
    <div class="code-source">
      <Camera onText={onText} />
      <Picture onText={onText} />
    </div>
  );
}
