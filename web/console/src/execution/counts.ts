/** How the items of a fan-out stand: in full if they are known, else as far as the counts tell. */

import type { Step } from "../api/types";
import { type Look, stateOfStep } from "../states";

export interface Part {
  look: Look;
  word: string;
  count: number;
}

const ORDER: Look[] = ["done", "failed", "running", "parked", "retrying", "waiting", "skipped"];

/** The sum is always the number of items. */
export function parts(
  items: { total: number; open: number; failed: number },
  known?: Step[],
): Part[] {
  if (!known || known.length !== items.total) {
    const rough: Part[] = [
      { look: "done", word: "done", count: items.total - items.open - items.failed },
      { look: "failed", word: "failed", count: items.failed },
      { look: "running", word: "open", count: items.open },
    ];
    return rough.filter((part) => part.count > 0);
  }
  const found = new Map<string, Part>();
  for (const item of known) {
    const { look, word } = stateOfStep(item);
    const part = found.get(word) ?? { look, word: word.toLowerCase(), count: 0 };
    part.count += 1;
    found.set(word, part);
  }
  return [...found.values()].sort(
    (one, other) => ORDER.indexOf(one.look) - ORDER.indexOf(other.look),
  );
}
