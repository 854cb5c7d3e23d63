// The alert desk.
import type { Words } from "../catalogue.ts";

export const alertsWords = {
} as const satisfies Words;
