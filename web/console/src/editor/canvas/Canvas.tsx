/** The steps of one list as a graph that can be drawn in: drag, drop, connect, delete, copy. */

import {
  Background,
  type Connection,
  type FinalConnectionState,
  type NodeChange,
  ReactFlow,
  useReactFlow,
} from "@xyflow/react";
import { type DragEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Direction } from "../../graph/nodes";
import { useKeys } from "../../keys/useKeys";
import { announce } from "../../parts/announce";
import { inOrder, whyNotConnected } from "../model/graph";
import type { Problem } from "../model/issues";
import type { Placed } from "../model/steps";
import { ACTION, type Palette } from "../palette";
import type { Acts } from "./acts";
import { Connecting } from "./Connecting";
import { Controls } from "./Controls";
import { CANVAS_KEYS, press } from "./keys";
import { type AnyNode, handlerLines, handlerPlaces, linesOf, lineToCome, Nodes } from "./nodes";
import { FIT, GRID, onGrid, type Points, SIZE } from "./places";
import { LaneHead, StepCard } from "./StepCard";
import "@xyflow/react/dist/base.css";

/** Above so many nodes only those that are seen are mounted. */
const MANY = 100;
const NODE_TYPES = { step: StepCard, lane: LaneHead };

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
  const connecting = useConnecting(steps);
  const { aimed } = connecting;
  useKeys(CANVAS_KEYS);
  const nodes = useMemo((): AnyNode[] => {
    const lanes = handlerPlaces(handlers, points);
    return [
      ...makes.of(ordered, points, { selected, counts, palette, direction, aimed }),
      ...lanes.lanes,
      ...makes.of(handlers, lanes.points, { selected, counts, palette, direction: "LR", aimed }),
    ];
  }, [ordered, handlers, points, selected, counts, palette, direction, aimed, makes]);
  const from = connecting.from?.key ?? null;
  const lines = useMemo(
    () => [...linesOf(steps, selected), ...handlerLines(handlers), ...lineToCome(from, aimed)],
    [steps, handlers, selected, from, aimed],
  );
  const wanted = aimed ?? (selected.size === 1 ? ([...selected][0] ?? null) : null);
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
      aria-label="Steps. Arrow keys go along the lines, Enter opens a step, C connects it, Delete takes it away."
      data-canvas
      // biome-ignore lint/a11y/noNoninteractiveTabindex: keys without a step, such as pasting, are its own
      tabIndex={0}
      onKeyDown={(event) => press(event, { ...props, connectFrom: connecting.begin })}
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
      <Jump wanted={wanted} isDrawn={nodes.some(({ id }) => id === wanted)} />
      {connecting.from && (
        <Connecting
          {...{ steps }}
          from={connecting.from}
          aim={connecting.aim}
          connect={(from, to) => acts.connect(from.key, to.key)}
          close={connecting.end}
        />
      )}
    </div>
  );
}

/** The step from which a line is drawn by keys, and the one that it would lead to. */
function useConnecting(steps: Placed[]) {
  const [from, setFrom] = useState<Placed | null>(null);
  const [aimed, aim] = useState<string | null>(null);
  const end = useCallback(() => {
    setFrom(null);
    aim(null);
  }, []);
  const begin = (key: string) => {
    const placed = steps.find((one) => one.key === key);
    if (!placed) announce("Handlers run one after another: no line leads from one.");
    else if (steps.length < 2) announce("There is no other step to connect it to.");
    else setFrom(placed);
  };
  return { from, aimed, aim, begin, end };
}

/** More steps than these are not all shown when one of them is out of sight. */
const FEW = 30;

/** Brings a step into view that was chosen elsewhere, or is aimed at; what is in view stays where it is. */
function Jump({ wanted, isDrawn }: { wanted: string | null; isDrawn: boolean }) {
  const { getNode, getNodes, getViewport, setCenter, fitView } = useReactFlow();
  useEffect(() => {
    const node = wanted === null || !isDrawn ? undefined : getNode(wanted);
    const frame = document.querySelector(".flow")?.getBoundingClientRect();
    if (!node || !frame) return;
    const { x, y, zoom } = getViewport();
    const [left, top] = [node.position.x * zoom + x, node.position.y * zoom + y];
    const [right, bottom] = [left + SIZE.width * zoom, top + SIZE.height * zoom];
    if (left >= 0 && top >= 0 && right <= frame.width && bottom <= frame.height) return;
    const middle = { x: node.position.x + SIZE.width / 2, y: node.position.y + SIZE.height / 2 };
    if (getNodes().length <= FEW) void fitView(FIT);
    else void setCenter(middle.x, middle.y, { zoom });
  }, [wanted, isDrawn, getNode, getNodes, getViewport, setCenter, fitView]);
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
