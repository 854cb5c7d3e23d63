// A photo between the camera and the server. Before it is sent it is drawn anew in this browser: what
// a camera wrote into the file (place, time, device) is left behind, turned pictures stand upright.
// What was read is kept in the page's memory while its loop is open, and nowhere else: answers of the
// API are never stored, and pictures are drawn on a canvas, so that no address of one exists.
import { call, readBytes, sendBytes, type Answer } from "../../api/client.ts";
import { t } from "../../catalogue.ts";
import { settings } from "../../settings.ts";
import { whenForgotten } from "../../parts/forget.ts";

export type Limits = Answer<"GET /api/v1/photos:limits">;

// What a browser can take apart without falling over; what is sent is as small as the server wants.
const sourceBytesMax = 64 * 1024 * 1024;
// The longest edge in pixels, tried one after another until the file is small enough: the first reads
// a form on a table, the last still a number on a seal.
const edges = [2560, 1600, 1024];
const quality = 0.85;

let limits: Promise<Limits> | null = null;

/** What the server takes; asked once a page's life. */
export function photoLimits(): Promise<Limits> {
  limits ??= call("GET /api/v1/photos:limits").catch((reason: unknown) => {
    limits = null;
    throw reason;
  });
  return limits;
}

export function bytesWords(bytes: number): string {
  const mega = bytes / (1024 * 1024);
  const value = mega >= 0.95 ? mega : bytes / 1024;
  const text = new Intl.NumberFormat(settings.language, { maximumFractionDigits: 1 }).format(value);
  return `${text} ${mega >= 0.95 ? "MB" : "kB"}`;
}

/** "JPEG, PNG, WEBP", as the server names them. */
export const typesWords = (types: readonly string[]): string =>
  types.map((type) => type.replace("image/", "").toUpperCase()).join(t("listComma"));

/** Why a file was not sent, in words. */
export class PhotoRefusal extends Error {}

async function decode(file: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new PhotoRefusal(t("photoBroken"));
  }
}

function drawn(picture: ImageBitmap, edge: number): HTMLCanvasElement {
  const scale = Math.min(1, edge / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const context = canvas.getContext("2d");
  if (!context) throw new PhotoRefusal(t("photoBroken"));
  context.fillStyle = "#fff"; // a JPEG is never seen through
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

const encoded = (canvas: HTMLCanvasElement): Promise<Blob | null> =>
  new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));

/** The picture alone, as a JPEG that the server takes; PhotoRefusal where that cannot be. */
export async function prepare(file: File): Promise<Blob> {
  const { types, bytes_max } = await photoLimits();
  if (!types.includes(file.type))
    throw new PhotoRefusal(t("photoKind", { name: file.name, types: typesWords(types) }));
  if (file.size > sourceBytesMax)
    throw new PhotoRefusal(
      t("photoSource", {
        name: file.name,
        bytes: bytesWords(file.size),
        most: bytesWords(sourceBytesMax),
      }),
    );
  const picture = await decode(file);
  try {
    let least = Infinity;
    for (const edge of edges) {
      const blob = await encoded(drawn(picture, edge));
      if (!blob) throw new PhotoRefusal(t("photoBroken"));
      if (blob.size <= bytes_max) return blob;
      least = blob.size;
    }
    throw new PhotoRefusal(
      t("photoLarge", { name: file.name, bytes: bytesWords(least), most: bytesWords(bytes_max) }),
    );
  } finally {
    picture.close();
  }
}

/** Sends it; `onShare` is told how much of it is on its way, 0 to 1. */
export async function send(
  photo: Blob,
  onShare: (share: number) => void,
  signal: AbortSignal,
): Promise<string> {
  const answer = await sendBytes("POST /api/v1/photos", photo, onShare, signal);
  return answer.digest;
}

// ---- Reading

const kept = new Map<string, Promise<Blob>>();

/** Each look is written down by the server: a picture is read once as long as its loop is open here. */
export function readPhoto(digest: string): Promise<Blob> {
  const before = kept.get(digest);
  if (before) return before;
  const reading = readBytes(`/api/v1/photos/${encodeURIComponent(digest)}`);
  kept.set(digest, reading);
  reading.catch(() => kept.delete(digest));
  return reading;
}

export const forgetPhotos = (): void => kept.clear();
whenForgotten(forgetPhotos);

/** Draws it into the canvas, no larger than the box (CSS pixels); gives its size. */
export async function draw(
  canvas: HTMLCanvasElement,
  photo: Blob,
  box: { width: number; height: number },
): Promise<void> {
  const picture = await decode(photo);
  const pixels = devicePixelRatio || 1;
  const scale = Math.min(1 / pixels, box.width / picture.width, box.height / picture.height);
  canvas.width = Math.max(1, Math.round(picture.width * scale * pixels));
  canvas.height = Math.max(1, Math.round(picture.height * scale * pixels));
  canvas.style.width = `${picture.width * scale}px`;
  canvas.style.height = `${picture.height * scale}px`;
  const context = canvas.getContext("2d");
  if (context) {
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  }
  picture.close();
}
