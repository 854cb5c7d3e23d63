// Asking the decoder. One question at a time: a frame that comes while the last one is looked at is
// dropped, the next is younger.
import decoderAddress from "./decoder.ts?worker&url";
import type { DecoderAnswer, DecoderQuestion } from "./decoder.ts";
import { ownScript } from "./own-script.ts";

/** Longest side, in pixels, of a frame of the camera and of a picture. */
const sides = { frame: 720, picture: [1280, 720, 2000] } as const;

export interface Decoder {
  /** The text of the code in what the canvas shows; null where none was read. */
  read(canvas: HTMLCanvasElement): Promise<string | null>;
  end(): void;
}

export function startDecoder(): Decoder {
  const worker = new Worker(ownScript(decoderAddress) as string, { type: "module" });
  const waiting = new Map<number, (text: string | null) => void>();
  let last = 0;
  worker.onmessage = ({ data }: MessageEvent<DecoderAnswer>) => {
    waiting.get(data.id)?.(data.text);
    waiting.delete(data.id);
  };
  return {
    read(canvas) {
      const pixels = canvas
        .getContext("2d", { willReadFrequently: true })!
        .getImageData(0, 0, canvas.width, canvas.height);
      const question: DecoderQuestion = {
        id: ++last,
        width: canvas.width,
        height: canvas.height,
        pixels: pixels.data.buffer as ArrayBuffer,
      };
      return new Promise((done, fail) => {
        waiting.set(question.id, done);
        worker.onerror = () => fail(new Error("the decoder did not load"));
        worker.postMessage(question, [question.pixels]);
      });
    },
    end: () => worker.terminate(),
  };
}

/** Draws a picture or a frame so that its longest side is at most `side`. */
function draw(
  canvas: HTMLCanvasElement,
  source: CanvasImageSource,
  width: number,
  height: number,
  side: number,
): void {
  const scale = Math.min(1, side / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  canvas
    .getContext("2d", { willReadFrequently: true })!
    .drawImage(source, 0, 0, canvas.width, canvas.height);
}

/** The code in the frame that the video shows now. */
export function readFrame(
  decoder: Decoder,
  canvas: HTMLCanvasElement,
  video: HTMLVideoElement,
): Promise<string | null> {
  draw(canvas, video, video.videoWidth, video.videoHeight, sides.frame);
  return decoder.read(canvas);
}

/** The code in a picture file, looked at in several sizes; null where none was read. */
export async function readPicture(file: Blob): Promise<string | null> {
  const picture = await createImageBitmap(file);
  const canvas = document.createElement("canvas");
  const decoder = startDecoder();
  try {
    for (const side of sides.picture) {
      draw(canvas, picture, picture.width, picture.height, side);
      const text = await decoder.read(canvas);
      if (text !== null) return text;
    }
    return null;
  } finally {
    decoder.end();
    picture.close();
  }
}
