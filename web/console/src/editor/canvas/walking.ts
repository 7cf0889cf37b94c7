/** Which step an arrow key leads to. */

import { dependents } from "../model/graph";
import { dependsOn, type Placed } from "../model/steps";
import type { Point, Points } from "./places";

export type Way = "left" | "right" | "up" | "down";

/** Left is what a step waits for, right what waits for it, up and down what lies there. */
export function neighbour(
  from: string | null,
  way: Way,
  steps: readonly Placed[],
  handlers: readonly Placed[],
  points: Points,
): string | null {
  const all = [...steps, ...handlers];
  const here = all.find(({ key }) => key === from);
  if (!here) return all[0]?.key ?? null;
  if (here.isHandler) return besideHandler(here, way, steps, handlers);
  if (way === "left") return dependsOn(here.step)[0] ?? null;
  if (way === "right") return dependents([...steps]).get(here.id)?.[0] ?? null;
  return nearest(here, way, steps, points) ?? (way === "down" ? (handlers[0]?.key ?? null) : null);
}

function besideHandler(
  here: Placed,
  way: Way,
  steps: readonly Placed[],
  handlers: readonly Placed[],
): string | null {
  const at = handlers.indexOf(here) + (way === "right" || way === "down" ? 1 : -1);
  return handlers[at]?.key ?? steps.at(-1)?.key ?? null;
}

function nearest(here: Placed, way: Way, steps: readonly Placed[], points: Points): string | null {
  const start = points.get(here.key);
  if (!start) return null;
  const sign = way === "down" ? 1 : -1;
  const found = steps
    .map(({ key }) => ({ key, point: points.get(key) }))
    .filter((one): one is { key: string; point: Point } => one.point !== undefined)
    .filter(({ point }) => (point.y - start.y) * sign > 0)
    .sort((a, b) => distance(start, a.point) - distance(start, b.point));
  return found[0]?.key ?? null;
}

/** What is straight above or below is nearer than what is aside. */
const distance = (one: Point, other: Point): number =>
  Math.abs(one.y - other.y) + 2 * Math.abs(one.x - other.x);
