// Venues: coverage, use, suspicions, codes.
import type { Words } from "../catalogue.ts";

export const venuesWords = {
} as const satisfies Words;
