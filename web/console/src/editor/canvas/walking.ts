/** Which step an arrow key leads to. */

import { dependents } from "../model/graph";
import { dependsOn, type Placed } from "../model/steps";
import type { Point, Points } from "./places";

export type Way = "left" | "right" | "up" | "down";

/** Left is what a step waits for, right what waits for it; else what lies on that side. */
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
  const along = alongLines(here, way, steps);
  const there = along ?? nearest(here, way, steps, points);
  return there ?? (way === "down" ? (handlers[0]?.key ?? null) : null);
}

function alongLines(here: Placed, way: Way, steps: readonly Placed[]): string | null {
  const ids =
    way === "left"
      ? dependsOn(here.step)
      : way === "right"
        ? (dependents([...steps]).get(here.id) ?? [])
        : [];
  return steps.find(({ id }) => ids.includes(id))?.key ?? null;
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
  const isSideways = way === "left" || way === "right";
  const [along, across] = isSideways ? (["x", "y"] as const) : (["y", "x"] as const);
  const sign = way === "down" || way === "right" ? 1 : -1;
  const ahead = (point: Point) => (point[along] - start[along]) * sign;
  // What is straight ahead is nearer than what is aside.
  const distance = (point: Point) => ahead(point) + 2 * Math.abs(point[across] - start[across]);
  const found = steps
    .map(({ key }) => ({ key, point: points.get(key) }))
    .filter((one): one is { key: string; point: Point } => one.point !== undefined)
    .filter(({ point }) => ahead(point) > 0)
    .sort((one, other) => distance(one.point) - distance(other.point));
  return found[0]?.key ?? null;
}
