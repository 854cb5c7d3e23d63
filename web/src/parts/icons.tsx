// Shapes. A status is a shape, a colour and a word, always all three: these are the shapes.
import type { JSX } from "preact";

const paths = {
  lock: "M8 1a3.6 3.6 0 0 1 3.6 3.6V7H13v8H3V7h1.4V4.6A3.6 3.6 0 0 1 8 1zm0 1.7a1.9 1.9 0 0 0-1.9 1.9V7h3.8V4.6A1.9 1.9 0 0 0 8 2.7z",
  unknown:
    "M1.5 1.5h4v1.6H3.1v2.4H1.5zm9 0h4v4h-1.6V3.1h-2.4zM1.5 10.5h1.6v2.4h2.4v1.6h-4zm11.4 0h1.6v4h-4v-1.6h2.4zM7.2 9.7c0-2 1.6-1.9 1.6-3.1 0-.5-.3-.8-.8-.8s-.9.3-.9.9H5.4C5.4 5.2 6.5 4.3 8 4.3s2.5.8 2.5 2.2c0 1.8-1.7 1.9-1.7 3.2zm0 .9h1.6v1.5H7.2z",
  silent: "M1 2h14L8 15zm3 1.8 4 7.5 4-7.5z",
  green: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zm3.6 3.9L7 9.6 4.6 7.3 3.3 8.6 7 12.2l5.9-6z",
  yellow: "M8 1.2 15.6 14.8H.4zM7.1 6v4.6h1.8V6zm0 5.6v1.7h1.8v-1.7z",
  red: "M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1zM4 7v2h8V7z",
  bell: "M8 1a1 1 0 0 1 1 1v.4A4.5 4.5 0 0 1 12.5 6.8V10l1.5 2v1H2v-1l1.5-2V6.8A4.5 4.5 0 0 1 7 2.4V2a1 1 0 0 1 1-1zM6 14h4a2 2 0 0 1-4 0z",
  late: "M8 1.2 15.6 14.8H.4zM7.1 6v4.6h1.8V6zm0 5.6v1.7h1.8v-1.7z",
  soon: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zm0 1.7v10.6a5.3 5.3 0 0 0 0-10.6z",
  open: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zm0 2a5 5 0 1 0 0 10A5 5 0 0 0 8 3z",
  done: "M8 1a7 7 0 1 1 0 14A7 7 0 0 1 8 1zm3.6 3.9L7 9.6 4.6 7.3 3.3 8.6 7 12.2l5.9-6z",
  tick: "M13.4 3.2 15 4.8 6.6 13.2 1.4 8l1.6-1.6 3.6 3.6z",
  ended: "M2 2h12v12H2z",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <IconShape name={name} />
    </svg>
  );
}

/** The shape alone, 16 by 16. */
export const IconShape = ({ name }: { name: IconName }): JSX.Element => (
  <path fill-rule="evenodd" d={paths[name]} />
);

/** The pattern that stands for what is not known, for use as `url(#ID)`. */
export function HatchPattern({
  id,
  clear,
  scale = 1,
}: {
  id: string;
  clear?: boolean;
  /** Of its lines, where what it fills is drawn larger. */
  scale?: number;
}): JSX.Element {
  return (
    <pattern
      id={id}
      width="7"
      height="7"
      patternUnits="userSpaceOnUse"
      patternTransform={`rotate(45) scale(${scale})`}
    >
      {!clear && <rect class="hatch-ground" width="7" height="7" />}
      <line class="hatch-line" x1="0" y1="0" x2="0" y2="7" />
    </pattern>
  );
}
