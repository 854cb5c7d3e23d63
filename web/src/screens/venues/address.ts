// What the address of the page of venues says: `of` is the area whose parts the table shows, the
// others narrow the list.
export const states = ["", "silent", "suspected", "in_use", "closed"] as const;
export type State = (typeof states)[number];

export interface Narrowing {
  of: string;
  area: string;
  category: string;
  state: State;
  name: string;
}

export const narrowingOf = (query: URLSearchParams): Narrowing => ({
  of: query.get("of") ?? "",
  area: query.get("area") ?? "",
  category: query.get("category") ?? "",
  state: states.find((state) => state === query.get("state")) ?? "",
  name: query.get("name") ?? "",
});

export function addressOf(path: string, narrowing: Narrowing): string {
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(narrowing)) if (value) fields.set(name, value);
  return fields.size ? `${path}?${fields.toString()}` : path;
}
