/** In what two definitions differ: step by step, and field by field of the rest. */

import type { Json } from "../../api/json";
import { canonical, type Members } from "./document";
import { everyStep, isBlock } from "./steps";

export interface Difference {
  /** What it is: a step by its id, or a field of the pipeline. */
  place: string;
  theirs: Json | undefined;
  mine: Json | undefined;
}

export function differences(theirs: Members, mine: Members): Difference[] {
  const [one, other] = [parts(theirs), parts(mine)];
  return [...new Set([...one.keys(), ...other.keys()])]
    .map((place) => ({ place, theirs: one.get(place), mine: other.get(place) }))
    .filter(({ theirs, mine }) => written(theirs) !== written(mine));
}

const written = (value: Json | undefined): string => (value === undefined ? "" : canonical(value));

/** A definition in parts that can be taken one by one. Steps of blocks are parts of their own. */
function parts(document: Members): Map<string, Json> {
  const found = new Map<string, Json>();
  for (const [key, value] of Object.entries(document)) {
    if (key !== "steps") found.set(key, value);
  }
  for (const { id, key, step, isHandler } of everyStep(document)) {
    if (isHandler) continue;
    const { steps: _, ...own } = step;
    found.set(`steps.${id || key}`, isBlock(step) ? own : step);
  }
  return found;
}
