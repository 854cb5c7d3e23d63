// What a page keeps beside what it draws (a purpose, the row that was chosen) ends with the session:
// whoever keeps something of the kind says here how it is forgotten. Nothing of a person is kept.
const acts = new Set<() => void>();

export const whenForgotten = (act: () => void): void => void acts.add(act);

export const forgetAll = (): void => acts.forEach((act) => act());
