// People and units: search, dossier.
import type { Words } from "../catalogue.ts";

export const peopleWords = {
} as const satisfies Words;
