// Scenes and rules.
import type { Words } from "../catalogue.ts";

export const rulesWords = {
} as const satisfies Words;
