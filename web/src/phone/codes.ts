// What a decoded text may be.
/** A venue's code, bare or at the end of an address (a poster that a phone's own camera opens). */
export const venueCodeOf = (text: string): string | null =>
  /(?:^|[#/=])([vr]1\.[A-Za-z0-9_-]{20,40})$/.exec(text.trim())?.[1] ?? null;

/** A person's code: the rotating one of the screen, or the one on paper. */
export function personCodeOf(text: string): { code: string } | { paper_code: string } | null {
  const found = /^([cp])1\.[A-Za-z0-9_-]{20,40}$/.exec(text.trim());
  if (!found) return null;
  return found[1] === "c" ? { code: found[0] } : { paper_code: found[0] };
}
