/** The nodes and lines of the canvas, made of the definition. What has not changed is the same object. */

import { type Edge, type Node, Position } from "@xyflow/react";
import type { Direction } from "../../graph/nodes";
import { wordsAtEdge } from "../model/graph";
import { actionOf, dependsOn, isBlock, nameOf, type Placed } from "../model/steps";
import type { Action, Palette } from "../palette";
import { apart, LONGEST_WORDS, type Point, type Points, SIZE } from "./places";

export interface StepNodeData extends Record<string, unknown> {
  placed: Placed;
  action: Action | null;
  problems: number;
  direction: Direction;
}
export interface Lane extends Record<string, unknown> {
  word: string;
}
export type StepNode = Node<StepNodeData, "step">;
export type LaneNode = Node<Lane, "lane">;
export type AnyNode = StepNode | LaneNode;

/** When the handlers of a list run. */
export const WORDS: Record<string, string> = {
  on_success: "When it has completed",
  on_failure: "When it has failed",
  on_cancel: "When it was cancelled",
  finally: "After every end",
};
const LANE = { width: 150, height: SIZE.height };

interface Made {
  placed: Placed;
  point: Point;
  selected: boolean;
  problems: number;
  action: Action | null;
  direction: Direction;
  /** Whether a line would lead here that is drawn by keys. */
  aimed: boolean;
  node: StepNode;
}

/** What is said of all of them. */
export interface Looks {
  selected: ReadonlySet<string>;
  counts: ReadonlyMap<string, number>;
  palette: Palette | null;
  direction: Direction;
  aimed: string | null;
}

/** Makes nodes, and gives the same one as long as nothing of it is another. */
export class Nodes {
  private readonly known = new Map<string, Made>();

  of(steps: readonly Placed[], points: Points, looks: Looks): StepNode[] {
    const { selected, counts, palette, direction, aimed } = looks;
    return steps.map((placed) => {
      const { key, id, step } = placed;
      return this.one(key, {
        placed,
        point: points.get(key) ?? { x: 0, y: 0 },
        selected: selected.has(key),
        problems: counts.get(id) ?? 0,
        action: palette?.byType.get(actionOf(step).type) ?? null,
        direction,
        aimed: key === aimed,
      });
    });
  }

  private one(key: string, wanted: Omit<Made, "node">): StepNode {
    const before = this.known.get(key);
    if (before && isSame(before, wanted)) return before.node;
    const node = nodeOf(key, wanted);
    this.known.set(key, { ...wanted, node });
    return node;
  }
}

function isSame(one: Omit<Made, "node">, other: Omit<Made, "node">): boolean {
  return (
    one.placed.step === other.placed.step &&
    one.placed.index === other.placed.index &&
    one.point.x === other.point.x &&
    one.point.y === other.point.y &&
    one.selected === other.selected &&
    one.problems === other.problems &&
    one.action === other.action &&
    one.direction === other.direction &&
    one.aimed === other.aimed
  );
}

function nodeOf(key: string, made: Omit<Made, "node">): StepNode {
  const { placed, point, selected, problems, action, direction, aimed } = made;
  return {
    id: key,
    type: "step",
    position: point,
    width: SIZE.width,
    height: SIZE.height,
    handles: handlesOf(direction),
    selected,
    ...(aimed ? { className: "aimed" } : {}),
    draggable: !placed.isHandler,
    connectable: !placed.isHandler,
    ariaLabel: spoken(placed, action, problems),
    data: { placed, action, problems, direction },
  };
}

function spoken({ step, isHandler }: Placed, action: Action | null, problems: number): string {
  const kind = isBlock(step) ? "block" : (action?.name ?? actionOf(step).type);
  const waits = dependsOn(step);
  return [
    `${nameOf(step)}, ${kind}`,
    isHandler ? "handler" : waits.length > 0 ? `after ${waits.join(", ")}` : "begins at once",
    problems > 0 ? `${problems} ${problems === 1 ? "problem" : "problems"}` : "",
  ]
    .filter(Boolean)
    .join(", ");
}

function handlesOf(direction: Direction) {
  const { width, height } = SIZE;
  const size = { width: 1, height: 1 };
  return direction === "LR"
    ? [
        { type: "target" as const, position: Position.Left, x: 0, y: height / 2, ...size },
        { type: "source" as const, position: Position.Right, x: width, y: height / 2, ...size },
      ]
    : [
        { type: "target" as const, position: Position.Top, x: width / 2, y: 0, ...size },
        { type: "source" as const, position: Position.Bottom, x: width / 2, y: height, ...size },
      ];
}

/** Handlers in a row of their own for each list, below all steps. */
export function handlerPlaces(handlers: readonly Placed[], points: Points) {
  const origin = apart(points);
  const lists = [...new Set(handlers.map(({ list }) => String(list[1])))];
  const lanes: LaneNode[] = lists.map((list, row) => ({
    id: `lane:${list}`,
    type: "lane",
    position: { x: origin.x, y: origin.y + row * (SIZE.height + 24) },
    ...LANE,
    draggable: false,
    selectable: false,
    focusable: false,
    data: { word: WORDS[list] ?? list },
  }));
  const at = new Map<string, Point>();
  for (const { key, list, index } of handlers) {
    const row = lists.indexOf(String(list[1]));
    at.set(key, {
      x: origin.x + LANE.width + 20 + index * (SIZE.width + 48),
      y: origin.y + row * (SIZE.height + 24),
    });
  }
  return { lanes, points: at };
}

export function linesOf(steps: readonly Placed[], selected: ReadonlySet<string>): Edge[] {
  const keys = new Map(steps.map(({ id, key }) => [id, key]));
  const byKey = new Map(steps.map((placed) => [placed.key, placed]));
  return steps.flatMap(({ key, step }) =>
    [...new Set(dependsOn(step))].flatMap((id): Edge[] => {
      const source = keys.get(id);
      const from = source === undefined ? undefined : byKey.get(source);
      if (!source || !from) return [];
      const label = wordsAtEdge(from.step, keys.get(id) === key ? "" : (step.id as string));
      const edge = `${source}\n${key}`;
      return [
        {
          id: edge,
          source,
          target: key,
          selected: selected.has(edge),
          ...(label ? { label: shortened(label) } : {}),
        },
      ];
    }),
  );
}

/** The line that is drawn by keys, while one chooses where it leads. */
export const lineToCome = (source: string | null, target: string | null): Edge[] =>
  source === null || target === null
    ? []
    : [
        {
          id: "to come",
          source,
          target,
          className: "to-come",
          selectable: false,
          deletable: false,
        },
      ];

const shortened = (words: string): string =>
  words.length > LONGEST_WORDS ? `${words.slice(0, LONGEST_WORDS - 1)}…` : words;

/** Handlers run one after another: a line that nobody can take away. */
export function handlerLines(handlers: readonly Placed[]): Edge[] {
  return handlers.flatMap(({ key, list, index }) => {
    const before = handlers.find(
      (one) => String(one.list) === String(list) && one.index === index - 1,
    );
    return before
      ? [
          {
            id: `${before.key}\n${key}`,
            source: before.key,
            target: key,
            className: "next",
            selectable: false,
            deletable: false,
          },
        ]
      : [];
  });
}
