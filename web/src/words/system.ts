// Users, audit, retention, jobs, health.
import type { Words } from "../catalogue.ts";

export const systemWords = {
} as const satisfies Words;
