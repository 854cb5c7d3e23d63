// Codes as cameras see them: rendered, tilted, out of focus; as a clip for Chromium's fake camera.
import { createWriteStream } from "node:fs";
import encodeQR from "qr";

const width = 640;
const height = 480;
const frames = 12;

/** Grey levels of the code's modules with its quiet ground, one number a module. */
function modulesOf(text) {
  const rows = encodeQR(text, "raw", { ecc: "quartile", border: 4 });
  return rows.map((row) => row.map((dark) => (dark ? 30 : 225)));
}

/** One frame: the code stands in the middle, `turn` in radians, `lean` away from the camera at its
 *  upper edge (0 … 0.6), `side` pixels wide, out of focus by `blur` pixels. */
function frameOf(modules, { turn = 0, lean = 0, side = 300, blur = 0 }) {
  const count = modules.length;
  const sharp = new Float32Array(width * height).fill(150);
  const [sin, cos] = [Math.sin(turn), Math.cos(turn)];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [x - width / 2, y - height / 2];
      const [u, v] = [(dx * cos + dy * sin) / side, (dy * cos - dx * sin) / side];
      const depth = 1 + lean * v; // nearer below, farther above
      const column = Math.floor((u / depth + 0.5) * count);
      const row = Math.floor((v / depth + 0.5) * count);
      if (column >= 0 && row >= 0 && column < count && row < count)
        sharp[y * width + x] = modules[row][column];
    }
  return blur ? blurred(sharp, blur) : sharp;
}

/** A box of 2 n + 1 pixels, twice, along both axes: nearly what a lens does. */
function blurred(sharp, n) {
  let from = sharp;
  for (const step of [1, width, 1, width]) {
    const to = new Float32Array(from.length);
    for (let at = 0; at < from.length; at++) {
      let sum = 0;
      let seen = 0;
      for (let k = -n; k <= n; k++) {
        const beside = at + k * step;
        if (beside < 0 || beside >= from.length) continue;
        sum += from[beside];
        seen++;
      }
      to[at] = sum / seen;
    }
    from = to;
  }
  return from;
}

/** Writes a clip (YUV4MPEG2, grey) of a code that trembles as a hand does. */
export async function writeClip(path, text, view) {
  const modules = modulesOf(text);
  const out = createWriteStream(path);
  out.write(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`);
  for (let i = 0; i < frames; i++) {
    const tremble = Math.sin((i / frames) * 2 * Math.PI) * 0.02;
    const grey = frameOf(modules, { ...view, turn: (view.turn ?? 0) + tremble });
    out.write("FRAME\n");
    out.write(Buffer.from(Uint8Array.from(grey)));
    out.write(Buffer.alloc((width * height) / 2, 128));
  }
  await new Promise((done) => out.end(done));
}

/** A picture file of a code (BMP, grey): what somebody has in the album. */
export function pictureOf(text, view) {
  const grey = frameOf(modulesOf(text), view);
  const head = Buffer.alloc(54 + 1024);
  head.write("BM");
  head.writeUInt32LE(head.length + grey.length, 2);
  head.writeUInt32LE(head.length, 10);
  head.writeUInt32LE(40, 14);
  head.writeInt32LE(width, 18);
  head.writeInt32LE(-height, 22); // from above
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(8, 28);
  for (let level = 0; level < 256; level++)
    head.writeUInt32LE(level * 0x010101, 54 + 4 * level);
  return Buffer.concat([head, Buffer.from(Uint8Array.from(grey))]);
}
