// The page of lists that the reader came from, for the way back from a dossier.
import { go } from "../../router.ts";

const came = { from: "/people" };

export const cameFrom = (address: string): void => void (came.from = address);
export const backToList = (): void => go(came.from);
