// A code as a picture: black on white in both themes, with the quiet ground that readers need.
import encodeQR from "qr";
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";

const quiet = 4; // modules, by the standard

function pathOf(text: string): { path: string; side: number } {
  const rows = encodeQR(text, "raw", { ecc: "medium", border: quiet });
  const path = rows
    .flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])))
    .join("");
  return { path, side: rows.length };
}

export function CodePicture({ text, words }: { text: string; words: string }): JSX.Element {
  const { path, side } = useMemo(() => pathOf(text), [text]);
  return (
    <svg
      class="code-picture"
      viewBox={`0 0 ${side} ${side}`}
      role="img"
      aria-label={words}
      shape-rendering="crispEdges"
    >
      <rect width={side} height={side} fill="#ffffff" />
      <path d={path} fill="#000000" />
    </svg>
  );
}
