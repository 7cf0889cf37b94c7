/** What waits for what: circles, and what a step can see. */

import { isObject, type Members } from "../../api/json";
import { listOf } from "../../definition/document";
import { inOrder as ordered } from "../../graph/order";
import { blocksAround, dependsOn, everyStep, type Placed, ROOT, stepsOf, textsOf } from "./steps";

/** A way along dependencies from *from* to *to*, both included; null if there is none. */
function wayBetween(steps: Placed[], from: string, to: string): string[] | null {
  const behind = dependents(steps);
  const cameFrom = new Map<string, string | null>([[from, null]]);
  const queue = [from];
  for (const here of queue) {
    if (here === to) return walkedBack(cameFrom, to);
    for (const next of behind.get(here) ?? []) {
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, here);
      queue.push(next);
    }
  }
  return null;
}

function walkedBack(cameFrom: Map<string, string | null>, to: string): string[] {
  const way: string[] = [];
  for (let here: string | null = to; here !== null; here = cameFrom.get(here) ?? null) {
    way.unshift(here);
  }
  return way;
}

/** The steps that directly depend on each. */
export function dependents(steps: Placed[]): Map<string, string[]> {
  const behind = new Map<string, string[]>();
  for (const { id, step } of steps) {
    for (const before of dependsOn(step)) {
      const known = behind.get(before);
      if (known) known.push(id);
      else behind.set(before, [id]);
    }
  }
  return behind;
}

/** Why *to* cannot wait for *from*; null if it can. */
export function whyNotConnected(steps: Placed[], from: string, to: string): string | null {
  if (from === to) return "A step cannot wait for itself.";
  const target = steps.find(({ id }) => id === to);
  if (!target || !steps.some(({ id }) => id === from))
    return "Only steps of one list are connected.";
  if (dependsOn(target.step).includes(from)) return `${to} waits for ${from} already.`;
  const way = wayBetween(steps, to, from);
  return way && `That would be a circle: ${[...way, to].join(" → ")}.`;
}

/** The ids of all that a step waits for in its own list, directly or not. */
export function before(steps: Placed[], id: string): Set<string> {
  const own = new Map(steps.map(({ id, step }) => [id, dependsOn(step)]));
  const found = new Set<string>();
  const queue = [...(own.get(id) ?? [])];
  for (const here of queue) {
    if (found.has(here) || !own.has(here)) continue;
    found.add(here);
    queue.push(...(own.get(here) ?? []));
  }
  return found;
}

/** The steps that templates of a step may refer to: what it, and the blocks around it, wait for. */
export function seenBy(document: Members, placed: Placed): Placed[] {
  if (placed.isHandler) return seenByHandler(document, placed);
  const around = [...blocksAround(document, placed.list), placed];
  return around.flatMap(({ list, id }) => {
    const steps = stepsOf(document, list);
    const ids = before(steps, id);
    return steps.filter((step) => ids.has(step.id));
  });
}

function seenByHandler(document: Members, placed: Placed): Placed[] {
  const handlers = everyStep(document).filter(({ isHandler }) => isHandler);
  const own = handlers.findIndex(({ path }) => String(path) === String(placed.path));
  return [...stepsOf(document, ROOT), ...handlers.slice(0, Math.max(0, own))];
}

/** What stands at a line of the graph: which branch leads here, or which failure. */
export function wordsAtEdge(from: Members, to: string): string | null {
  for (const branch of branchesOf(from)) {
    if (branch.target_step === to) {
      const { label, id, condition } = branch;
      return String(label ?? id ?? condition ?? "branch");
    }
  }
  const caught = listOf(from.catch).filter(isObject);
  const entry = caught.find(({ next }) => textsOf(next).includes(to));
  return entry ? `on ${textsOf(entry.errors).join(", ") || "error"}` : null;
}

function branchesOf(step: Members): Members[] {
  return isObject(step.params) ? listOf(step.params.branches).filter(isObject) : [];
}

/** The steps of a list so that each comes behind what it waits for; circles where they stand. */
export const inOrder = (steps: Placed[]): Placed[] =>
  ordered(
    steps,
    ({ id }) => id,
    ({ step }) => dependsOn(step),
  );
