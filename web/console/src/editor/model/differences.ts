/** In what two definitions differ: step by step, and field by field of the rest. */

import type { Json, Members } from "../../api/json";
import { at, canonical, listOf, put } from "../../definition/document";
import { removeSteps } from "./changes";
import { blocksAround, everyStep, find, isBlock, listWithin, type Placed } from "./steps";

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
const STEP = "steps.";

/** A definition in parts that can be taken one by one. Steps of blocks are parts of their own. */
function parts(document: Members): Map<string, Json> {
  const found = new Map<string, Json>();
  for (const [key, value] of Object.entries(document)) {
    if (key !== "steps") found.set(key, value);
  }
  for (const placed of stepsOnly(document)) found.set(STEP + placed.key, withoutInner(placed.step));
  return found;
}

const stepsOnly = (document: Members) => everyStep(document).filter((one) => !one.isHandler);

function withoutInner(step: Members): Members {
  if (!isBlock(step)) return step;
  const { steps: _, ...own } = step;
  return own;
}

/** *mine* with one part as *theirs* has it. */
export function taken(mine: Members, theirs: Members, place: string): Members {
  if (!place.startsWith(STEP)) return put(mine, [place], at(theirs, [place]));
  const id = place.slice(STEP.length);
  const [here, there] = [find(mine, id), find(theirs, id)];
  if (!there) return removeSteps(mine, [id]);
  if (!here) return added(mine, theirs, there);
  // What stands in a block is taken by itself.
  const step = isBlock(here.step)
    ? { ...withoutInner(there.step), steps: here.step.steps ?? [] }
    : there.step;
  return put(mine, here.path, step);
}

/** At the end of the list that it stands in there, if there is such a block here, too. */
function added(mine: Members, theirs: Members, there: Placed): Members {
  const block = blocksAround(theirs, there.list).at(-1)?.id ?? null;
  const list = listWithin(mine, block);
  return put(mine, list, [...listOf(at(mine, list)), there.step]);
}
