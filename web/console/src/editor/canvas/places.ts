/** Where the steps are drawn. A definition has no place for that, so it is the browser's. */

import { arranged } from "../../graph/layout";
import { type Direction, NODE, type Size } from "../../graph/nodes";
import { wordsAtEdge } from "../model/graph";
import { dependsOn, type Placed } from "../model/steps";

export interface Point {
  x: number;
  y: number;
}
export type Points = ReadonlyMap<string, Point>;

export const SIZE = NODE;
export const GRID = 20;
export const FIT = { padding: { x: "28px", top: "64px", bottom: "56px" }, maxZoom: 1 } as const;
const GAP = { along: 60, across: 30 };

const nodesOf = (steps: readonly Placed[]) =>
  steps.map(({ key, step }) => ({ id: key, after: dependsOn(step), hasBar: false }));

export interface LaidOut {
  direction: Direction;
  points: Map<string, Point>;
}

/** Lines have words here, and are drawn by hand: they need more room than where they are looked at. */
const WIDER: Record<Direction, Point> = { LR: { x: 1.17, y: 1.1 }, TB: { x: 1.05, y: 1.25 } };

/** Letters of the words at a line that are drawn; the rest of longer ones is cut. */
export const LONGEST_WORDS = 18;
/** Pixels of a letter, and of the line that is seen before and behind the words. */
const LETTER = 6.5;
const AROUND = 36;

/** What the longest words at a line need between two cards that lie beside each other. */
export function roomForWords(steps: readonly Placed[]): number {
  const byId = new Map(steps.map((placed) => [placed.id, placed.step]));
  const lengths = steps.flatMap(({ id, step }) =>
    dependsOn(step).map((before) => wordsAtEdge(byId.get(before) ?? {}, id)?.length ?? 0),
  );
  const longest = Math.min(LONGEST_WORDS, Math.max(0, ...lengths));
  return longest && longest * LETTER + AROUND;
}

/** All steps in order, in the direction in which they are drawn larger. */
export function laidOut(steps: readonly Placed[], canvas: Size): LaidOut {
  const { direction, places } = arranged(nodesOf(steps), canvas);
  const { y } = WIDER[direction];
  const x = direction === "LR" ? widened(steps, [...places.values()]) : WIDER.TB.x;
  const points = [...places].map(
    ([key, place]) => [key, onGrid({ x: place.x * x, y: place.y * y })] as const,
  );
  return { direction, points: new Map(points) };
}

function widened(steps: readonly Placed[], places: readonly Point[]): number {
  const columns = [...new Set(places.map(({ x }) => Math.round(x)))].sort((one, two) => one - two);
  const between = columns.slice(1).map((x, index) => x - (columns[index] ?? 0));
  const narrowest = Math.min(...between);
  return Math.max(WIDER.LR.x, (SIZE.width + roomForWords(steps)) / narrowest);
}

/** Canvases on which everything is drawn larger in one direction. */
const CANVAS: Record<Direction, Size> = {
  LR: { width: 1e9, height: 1e9 },
  TB: { width: 1, height: 1e9 },
};

export const onGrid = ({ x, y }: Point): Point => ({
  x: Math.round(x / GRID) * GRID,
  y: Math.round(y / GRID) * GRID,
});

/** The same places, and one for each step that has none: near what it waits for, on free ground. */
export function completed(steps: readonly Placed[], known: Points, direction: Direction): Points {
  const missing = steps.filter(({ key }) => !known.has(key));
  if (missing.length === 0) return known;
  if (missing.length * 2 > steps.length) return laidOut(steps, CANVAS[direction]).points;
  const found = new Map(known);
  const gap = Math.max(GAP.along, roomForWords(steps));
  for (const placed of missing) {
    const others = steps.filter(({ key }) => key !== placed.key).map(({ key }) => found.get(key));
    const taken = others.filter((point): point is Point => point !== undefined);
    found.set(
      placed.key,
      freePlace(wanted(placed, found, taken, direction, gap), taken, direction),
    );
  }
  return found;
}

/** Behind the last of what it waits for, or behind everything. */
function wanted(
  placed: Placed,
  found: Points,
  taken: Point[],
  direction: Direction,
  gap: number,
): Point {
  const before = dependsOn(placed.step).flatMap((id) => found.get(id) ?? []);
  const behind = before.length > 0 ? before : taken;
  if (behind.length === 0) return { x: 0, y: 0 };
  const far = (axis: "x" | "y") => Math.max(...behind.map((point) => point[axis]));
  const near = (axis: "x" | "y") => Math.min(...behind.map((point) => point[axis]));
  return direction === "LR"
    ? { x: far("x") + SIZE.width + gap, y: near("y") }
    : { x: near("x"), y: far("y") + SIZE.height + GAP.along };
}

/** The next place across the direction where nothing lies below it. */
function freePlace(start: Point, taken: Point[], direction: Direction): Point {
  const step =
    direction === "LR"
      ? { x: 0, y: SIZE.height + GAP.across }
      : { x: SIZE.width + GAP.across, y: 0 };
  let place = onGrid(start);
  while (taken.some((other) => overlaps(other, place))) {
    place = onGrid({ x: place.x + step.x, y: place.y + step.y });
  }
  return place;
}

const overlaps = (one: Point, other: Point): boolean =>
  Math.abs(one.x - other.x) < SIZE.width + 10 && Math.abs(one.y - other.y) < SIZE.height + 10;

/** Below (or, downwards, beside) all that lies there: where handlers begin. */
export function apart(points: Points): Point {
  const all = [...points.values()];
  if (all.length === 0) return { x: 0, y: 0 };
  return {
    x: Math.min(...all.map(({ x }) => x)),
    y: Math.max(...all.map(({ y }) => y)) + SIZE.height + 64,
  };
}
