// The code decoder: a worker of its own, fetched only where something is to be decoded. Takes pixels,
// gives the text of the code in them, or null.
import decodeQR from "qr/decode.js";

export interface DecoderQuestion {
  id: number;
  width: number;
  height: number;
  pixels: ArrayBuffer;
}
export interface DecoderAnswer {
  id: number;
  text: string | null;
}

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<DecoderQuestion>) => void) | null;
  postMessage(answer: DecoderAnswer): void;
};

function decode({ width, height, pixels }: DecoderQuestion): string | null {
  try {
    return decodeQR({ width, height, data: new Uint8ClampedArray(pixels) });
  } catch {
    return null; // no code in it, or none that can be read: the library throws for both
  }
}

scope.onmessage = ({ data }) => scope.postMessage({ id: data.id, text: decode(data) });
