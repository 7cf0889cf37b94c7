/** Where a line from a step can lead: what one chooses from by keys. */

import { whyNotConnected } from "../model/graph";
import { nameOf, type Placed } from "../model/steps";

export interface Target {
  key: string;
  id: string;
  name: string;
  /** Why no line can lead there; null if one can. */
  why: string | null;
}

/** All others: first those that a line can lead to, and behind them those that say why none can. */
export function targetsOf(steps: readonly Placed[], from: string): Target[] {
  const all = [...steps];
  const others = all.filter(({ key }) => key !== from);
  const targets = others.map(({ key, id, step }) => ({
    key,
    id,
    name: nameOf(step),
    why: whyNotConnected(all, from, id),
  }));
  return [...targets.filter(({ why }) => !why), ...targets.filter(({ why }) => why)];
}

/** Those whose name or id has all the words. */
export function named(targets: readonly Target[], text: string): Target[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return targets.filter(({ id, name }) => {
    const said = `${name} ${id}`.toLowerCase();
    return words.every((word) => said.includes(word));
  });
}
