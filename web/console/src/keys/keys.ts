/** All keys that count on a page, in one place: what `?` lists is what is registered here. */

export interface Key {
  /** `/`, `?`, `mod+k`, or keys one after the other: `g n`. */
  keys: string;
  /** What it does: `Find a step`. */
  word: string;
  /** Where it counts: `Everywhere`, or the part of the page that has it. */
  where: string;
  /** Null where the part of the page listens by itself, and only says so here. */
  act: (() => void) | null;
}

/** Milliseconds in which the second key of two has to come. */
const PATIENCE = 1_500;

const registered: Key[] = [];
const listeners = new Set<() => void>();
let shown: readonly Key[] = [];
/** The first of two keys, and when it came. */
let begun: { key: string; at: number } | null = null;

/** Takes them away again. Of two with the same keys the one that came last counts. */
export function register(keys: readonly Key[]): () => void {
  registered.push(...keys);
  changed();
  return () => {
    for (const key of keys) registered.splice(registered.lastIndexOf(key), 1);
    changed();
  };
}

function changed(): void {
  const byKeys = new Map(registered.map((key) => [key.keys, key]));
  shown = [...byKeys.values()];
  for (const listener of listeners) listener();
}

/** Those that count now. */
export const current = (): readonly Key[] => shown;

export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export type Pressed = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">;

/** What is to be done when a key comes at *now* (ms); null if nothing is. */
export function taken(pressed: Pressed, now: number): Key | null {
  const key = nameOf(pressed);
  const first = begun && now - begun.at <= PATIENCE ? begun.key : null;
  begun = null;
  if (key === null) return null;
  const found = (first && find(`${first} ${key}`)) || find(key);
  if (!found && registered.some(({ keys }) => keys.startsWith(`${key} `))) begun = { key, at: now };
  return found || null;
}

const find = (keys: string): Key | undefined =>
  registered.findLast((one) => one.keys === keys && one.act !== null);

function nameOf({ key, ctrlKey, metaKey, altKey }: Pressed): string | null {
  if (altKey || key.length !== 1) return null;
  return ctrlKey || metaKey ? `mod+${key.toLowerCase()}` : key;
}

/** The keys as they are written on a keyboard. */
export function written(keys: string, isMac: boolean): string[] {
  return keys.split(" ").map((key) => {
    if (key.startsWith("mod+")) return `${isMac ? "⌘" : "Ctrl"} ${key.slice(4).toUpperCase()}`;
    return key;
  });
}
