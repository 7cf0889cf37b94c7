/** Which steps have cards: of few all, of many those that are seen from near. */

import { Position, useStore } from "@xyflow/react";
import { useMemo, useRef } from "react";
import type { Step } from "../../api/types";
import type { Arrangement } from "../../graph/layout";
import { type Direction, meet, type Place } from "../../graph/nodes";
import type { StepNode } from "./StepCard";
import { READABLE } from "./Tools";

/** Pixels of the canvas by which the seen part is rounded up, so that panning changes it seldom. */
const CELL = 400;

/** The part of the canvas that is seen, if only that has cards; null if all have. */
export function useSeen(many: boolean): Place | "far" | null {
  const key = useStore(({ transform: [x, y, zoom], width, height }) => {
    if (!many) return "all";
    if (zoom < READABLE) return "far";
    const cell = CELL / zoom;
    const from = [Math.floor(-x / CELL) - 1, Math.floor(-y / CELL) - 1];
    const count = [Math.ceil(width / CELL) + 2, Math.ceil(height / CELL) + 2];
    return [...from, ...count].map((cells) => Math.round(cells * cell)).join(" ");
  });
  return useMemo(() => {
    if (key === "all") return null;
    if (key === "far") return "far";
    const [x = 0, y = 0, width = 0, height = 0] = key.split(" ").map(Number);
    return { x, y, width, height };
  }, [key]);
}

interface Cards {
  steps: Step[];
  arrangement: Arrangement;
  selected: string | null;
  select: (id: string) => void;
  lit: Set<string> | null;
  seen: Place | "far" | null;
}

/** The nodes that have cards; one that is as it was is the same object, and not drawn anew. */
export function useCards({ steps, arrangement, selected, select, lit, seen }: Cards): StepNode[] {
  const known = useRef(new Map<string, StepNode>());
  return useMemo(() => {
    if (seen === "far") return [];
    const { direction, places } = arrangement;
    const cards = steps.flatMap((step): StepNode[] => {
      const place = places.get(step.id);
      if (!place || (seen && !meet(place, seen))) return [];
      const data = {
        step,
        selected: step.id === selected,
        lit: lit?.has(step.id) ?? null,
        direction,
        select,
      };
      const before = known.current.get(step.id);
      return [before && same(before, data, place) ? before : card(place, data)];
    });
    known.current = new Map(cards.map((node) => [node.id, node]));
    return cards;
  }, [steps, arrangement, selected, select, lit, seen]);
}

const same = (node: StepNode, data: StepNode["data"], { x, y }: Place): boolean =>
  node.position.x === x &&
  node.position.y === y &&
  Object.entries(data).every(([key, value]) => node.data[key] === value);

const card = ({ x, y, width, height }: Place, data: StepNode["data"]): StepNode => ({
  id: data.step.id,
  type: "step",
  position: { x, y },
  width,
  height,
  handles: handlesOf(data.direction, width, height),
  data,
});

function handlesOf(direction: Direction, width: number, height: number) {
  const dot = { width: 1, height: 1 };
  return direction === "LR"
    ? [
        { type: "target" as const, position: Position.Left, x: 0, y: height / 2, ...dot },
        { type: "source" as const, position: Position.Right, x: width, y: height / 2, ...dot },
      ]
    : [
        { type: "target" as const, position: Position.Top, x: width / 2, y: 0, ...dot },
        { type: "source" as const, position: Position.Bottom, x: width / 2, y: height, ...dot },
      ];
}
