/** The steps of one list as a graph that can be drawn in: drag, drop, connect, delete, copy. */

import {
  Background,
  type Connection,
  type FinalConnectionState,
  type NodeChange,
  ReactFlow,
  useReactFlow,
} from "@xyflow/react";
import { type DragEvent, type KeyboardEvent, useEffect, useMemo, useRef } from "react";
import type { Direction } from "../../graph/nodes";
import { announce } from "../../parts/announce";
import { inOrder, whyNotConnected } from "../model/graph";
import type { Problem } from "../model/issues";
import type { Placed } from "../model/steps";
import { ACTION, type Palette } from "../palette";
import { Controls } from "./Controls";
import { type AnyNode, handlerLines, handlerPlaces, linesOf, Nodes } from "./nodes";
import { FIT, GRID, onGrid, type Point, type Points, SIZE } from "./places";
import { LaneHead, StepCard } from "./StepCard";
import { neighbour, type Way } from "./walking";
import "@xyflow/react/dist/base.css";

/** Above so many nodes only those that are seen are mounted. */
const MANY = 100;
const NODE_TYPES = { step: StepCard, lane: LaneHead };

export interface Acts {
  select: (keys: string[]) => void;
  open: (key: string) => void;
  connect: (from: string, to: string) => void;
  disconnect: (lines: string[]) => void;
  remove: (keys: string[]) => void;
  add: (action: string, point: Point) => void;
  moveTo: (points: Map<string, Point>) => void;
  copy: (keys: string[]) => void;
  paste: () => void;
}

interface Props {
  steps: Placed[];
  handlers: Placed[];
  points: Points;
  direction: Direction;
  selected: ReadonlySet<string>;
  problems: readonly Problem[];
  palette: Palette | null;
  acts: Acts;
}

export function Canvas(props: Props) {
  const { steps, handlers, points, direction, selected, palette, acts } = props;
  const { screenToFlowPosition } = useReactFlow();
  const makes = useRef(new Nodes()).current;
  const counts = useMemo(() => counted(props.problems), [props.problems]);
  const ordered = useMemo(() => inOrder(steps), [steps]);
  const nodes = useMemo((): AnyNode[] => {
    const lanes = handlerPlaces(handlers, points);
    return [
      ...makes.of(ordered, points, selected, counts, palette, direction),
      ...lanes.lanes,
      ...makes.of(handlers, lanes.points, selected, counts, palette, "LR"),
    ];
  }, [ordered, handlers, points, selected, counts, palette, direction, makes]);
  const lines = useMemo(
    () => [...linesOf(steps, selected), ...handlerLines(handlers)],
    [steps, handlers, selected],
  );
  const onNodesChange = (changes: NodeChange<AnyNode>[]) => {
    const moved = changes.flatMap((change) =>
      change.type === "position" && change.position
        ? [[change.id, onGrid(change.position)] as const]
        : [],
    );
    if (moved.length > 0) acts.moveTo(new Map(moved));
    const chosen = changes.filter((change) => change.type === "select");
    if (chosen.length > 0) acts.select(after(selected, chosen));
  };
  const ended = (_: unknown, { isValid, fromNode, toNode, fromHandle }: FinalConnectionState) => {
    if (isValid || !fromNode || !toNode) return;
    const [from, to] = fromHandle?.type === "target" ? [toNode, fromNode] : [fromNode, toNode];
    const why = whyNotConnected(steps, from.id, to.id);
    if (why) announce(why, { failed: true });
  };
  const drop = (event: DragEvent) => {
    const action = event.dataTransfer.getData(ACTION);
    if (!action) return;
    event.preventDefault();
    const { x, y } = screenToFlowPosition({ x: event.clientX, y: event.clientY });
    acts.add(action, onGrid({ x: x - 100, y: y - 30 }));
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a canvas of its own, with keys
    <div
      className="flow"
      role="group"
      aria-label="Steps. Arrow keys go along the lines, Enter opens a step, Delete takes it away."
      data-canvas
      // biome-ignore lint/a11y/noNoninteractiveTabindex: keys without a step, such as pasting, are its own
      tabIndex={0}
      onKeyDown={(event) => onPress(event, props)}
    >
      <ReactFlow
        nodes={nodes}
        edges={lines}
        nodeTypes={NODE_TYPES}
        onNodesChange={onNodesChange}
        onEdgesChange={(changes) => {
          const chosen = changes.filter((change) => change.type === "select");
          if (chosen.length > 0) acts.select(after(selected, chosen));
        }}
        onConnect={({ source, target }) => acts.connect(source, target)}
        onConnectEnd={ended}
        isValidConnection={({ source, target }: Connection | { source: string; target: string }) =>
          whyNotConnected(steps, source, target) === null
        }
        onNodeDoubleClick={(_, node) => acts.open(node.id)}
        onPaneClick={() => acts.select([])}
        onDrop={drop}
        onDragOver={(event) => {
          if (event.dataTransfer.types.includes(ACTION)) event.preventDefault();
        }}
        snapToGrid
        snapGrid={[GRID, GRID]}
        fitView
        fitViewOptions={FIT}
        minZoom={0.12}
        maxZoom={1.6}
        deleteKeyCode={null}
        disableKeyboardA11y
        edgesFocusable={false}
        elevateEdgesOnSelect
        connectionRadius={34}
        nodeDragThreshold={4}
        onlyRenderVisibleElements={nodes.length > MANY}
      >
        <Background gap={GRID} size={1.6} />
        <Controls />
      </ReactFlow>
      <Jump selected={selected} />
    </div>
  );
}

/** More steps than these are not all shown when one of them is out of sight. */
const FEW = 30;

/** Brings a step into view that was chosen elsewhere; what is in view stays where it is. */
function Jump({ selected }: { selected: ReadonlySet<string> }) {
  const { getNode, getNodes, getViewport, setCenter, fitView } = useReactFlow();
  const key = selected.size === 1 ? [...selected][0] : undefined;
  useEffect(() => {
    const node = key === undefined ? undefined : getNode(key);
    const frame = document.querySelector(".flow")?.getBoundingClientRect();
    if (!node || !frame) return;
    const { x, y, zoom } = getViewport();
    const [left, top] = [node.position.x * zoom + x, node.position.y * zoom + y];
    const [right, bottom] = [left + SIZE.width * zoom, top + SIZE.height * zoom];
    if (left >= 0 && top >= 0 && right <= frame.width && bottom <= frame.height) return;
    const middle = { x: node.position.x + SIZE.width / 2, y: node.position.y + SIZE.height / 2 };
    if (getNodes().length <= FEW) void fitView(FIT);
    else void setCenter(middle.x, middle.y, { zoom });
  }, [key, getNode, getNodes, getViewport, setCenter, fitView]);
  return null;
}

function counted(problems: readonly Problem[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { step, isWarning } of problems) {
    if (step && !isWarning) counts.set(step.id, (counts.get(step.id) ?? 0) + 1);
  }
  return counts;
}

function after(
  selected: ReadonlySet<string>,
  changes: readonly { id: string; selected: boolean }[],
): string[] {
  const next = new Set(selected);
  for (const { id, selected } of changes) {
    if (selected) next.add(id);
    else next.delete(id);
  }
  return [...next];
}

type Keys = Map<string, () => unknown>;

/** Keys of the canvas; only what has its focus is meant. */
function onPress(event: KeyboardEvent<HTMLElement>, props: Props): void {
  const target = event.target as HTMLElement;
  if (target.closest("input, textarea, select, button, [contenteditable]")) return;
  const focused = target.closest<HTMLElement>(".react-flow__node")?.dataset.id ?? null;
  const { selected } = props;
  const meant = selected.size > 0 ? [...selected] : focused === null ? [] : [focused];
  const command = event.ctrlKey || event.metaKey;
  if (event.altKey || (command && event.shiftKey)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const keys = command ? commands(props, meant) : plainKeys(props, meant, focused);
  const act = keys.get(key);
  if (!act) return;
  // Neither the page scrolls, nor is a text selected or copied.
  event.preventDefault();
  act();
}

const commands = ({ steps, handlers, acts }: Props, meant: string[]): Keys =>
  new Map([
    ["a", () => acts.select([...steps, ...handlers].map((placed) => placed.key))],
    ["c", () => acts.copy(meant)],
    ["v", () => acts.paste()],
    [
      "x",
      () => {
        acts.copy(meant);
        removeChosen(meant, acts);
      },
    ],
  ]);

function plainKeys(props: Props, meant: string[], focused: string | null): Keys {
  const { steps, handlers, points, selected, acts } = props;
  const walk = (way: Way) => focusStep(neighbour(focused, way, steps, handlers, points));
  const choose = () => focused !== null && acts.select([focused]);
  const open = () => (focused !== null && selected.has(focused) ? acts.open(focused) : choose());
  return new Map<string, () => unknown>([
    ["Delete", () => removeChosen(meant, acts)],
    ["Backspace", () => removeChosen(meant, acts)],
    ["Escape", () => acts.select([])],
    ["Enter", open],
    [" ", choose],
    ["ArrowRight", () => walk("right")],
    ["ArrowLeft", () => walk("left")],
    ["ArrowUp", () => walk("up")],
    ["ArrowDown", () => walk("down")],
  ]);
}

function focusStep(key: string | null): void {
  if (key === null) return;
  const node = `.react-flow__node[data-id="${CSS.escape(key)}"]`;
  document.querySelector<HTMLElement>(node)?.focus();
}

/** Lines have the keys of both their ends. */
function removeChosen(keys: string[], acts: Acts): void {
  const lines = keys.filter((key) => key.includes("\n"));
  if (lines.length > 0) acts.disconnect(lines);
  const steps = keys.filter((key) => !key.includes("\n"));
  if (steps.length > 0) acts.remove(steps);
}
