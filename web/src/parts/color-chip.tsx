import type { JSX } from "preact";
import { t } from "../catalogue.ts";
import { Icon } from "./icons.tsx";

export type Color = "green" | "yellow" | "red" | "unknown";

/** A person's colour in shape, colour and word. Null: not the reader's to see. */
export function ColorChip({ color }: { color: Color | null }): JSX.Element {
  if (!color) return <span class="quiet">{t("outsideArea")}</span>;
  return <span class={`chip ${color}`}><Icon name={color} />{t(`color_${color}`)}</span>;
}
