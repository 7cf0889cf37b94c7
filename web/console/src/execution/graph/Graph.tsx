/** The steps of the definition, and how each stands. */

import {
  Background,
  type Edge,
  getViewportForBounds,
  MiniMap,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
} from "@xyflow/react";
import { type MouseEvent, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { DefinedStep, Step } from "../../api/types";
import { type Arrangement, DAGRE } from "../../graph/layout";
import { edges, meet, type Node, type Size } from "../../graph/nodes";
import { useArrangement } from "../../graph/useArrangement";
import { useQueryString } from "../../router";
import { stateOfStep } from "../../states";
import { courseOf } from "./course";
import { Legend } from "./Legend";
import { MapOfMany } from "./MapOfMany";
import { StepCard, type StepNode } from "./StepCard";
import { found } from "./search";
import { room, Tools } from "./Tools";
import { useCards, useSeen } from "./useCards";
import "@xyflow/react/dist/base.css";
import "./graph.css";

/** With fewer nodes one sees all of them; with more, a small map helps nobody. */
const MINIMAP = { from: 30, to: DAGRE };
const NODE_TYPES = { step: StepCard };

interface Props {
  steps: Step[];
  defined: DefinedStep[];
  selected: string | null;
  select: (id: string) => void;
}

export default function Graph(props: Props) {
  const frame = useRef<HTMLElement>(null);
  const [size, setSize] = useState<Size | null>(null);
  useLayoutEffect(() => {
    if (!frame.current) return;
    const observer = new ResizeObserver(([entry]) => {
      const box = entry?.contentRect;
      // A hidden canvas has no size, and nothing could be fitted into it.
      if (box && box.width > 0) setSize({ width: box.width, height: box.height });
    });
    observer.observe(frame.current);
    return () => observer.disconnect();
  }, []);
  return (
    <section className="graph" aria-label="Steps" ref={frame}>
      <ReactFlowProvider>{size && <Placed {...props} size={size} />}</ReactFlowProvider>
      <Legend />
    </section>
  );
}

function Placed(props: Props & { size: Size }) {
  const { steps, defined, size } = props;
  const nodes = useStable(useMemo(() => nodesOf(steps, defined), [steps, defined]));
  const [moved, setMoved] = useState(false);
  // Once somebody has moved the canvas it stays as it is, whatever size the window gets.
  const canvas = useRef(size);
  if (!moved) canvas.current = size;
  const arrangement = useArrangement(nodes, canvas.current);
  if (!arrangement) return <p className="placing">Placing {steps.length} steps…</p>;
  return <Canvas {...props} {...{ nodes, arrangement, moved }} onMoved={() => setMoved(true)} />;
}

interface CanvasProps extends Props {
  size: Size;
  nodes: Node[];
  arrangement: Arrangement;
  moved: boolean;
  onMoved: () => void;
}

function Canvas(props: CanvasProps) {
  const { steps, nodes, arrangement, size, selected, select, moved, onMoved, defined } = props;
  const { setViewport, screenToFlowPosition } = useReactFlow();
  const many = nodes.length > DAGRE;
  const fitted = useMemo(() => viewOf(arrangement, size), [arrangement, size]);
  useEffect(() => {
    if (!moved) void setViewport(fitted);
  }, [moved, fitted, setViewport]);
  const sought = useQueryString().get("find") ?? "";
  const lit = useMemo(() => found(sought, steps, defined), [sought, steps, defined]);
  const seen = useSeen(many);
  const shown = useCards({ steps, arrangement, selected, select, lit, seen });
  const lines = useMemo(() => (many ? [] : linesOf(nodes, steps)), [many, nodes, steps]);
  const chooseOnMap = (event: MouseEvent) => {
    const id = nodeAt(screenToFlowPosition({ x: event.clientX, y: event.clientY }), arrangement);
    if (id) select(id);
  };
  return (
    <ReactFlow
      nodes={shown}
      edges={lines}
      nodeTypes={NODE_TYPES}
      defaultViewport={fitted}
      minZoom={Math.min(0.15, fitted.zoom)}
      maxZoom={1.6}
      nodesDraggable={false}
      nodesConnectable={false}
      nodesFocusable={false}
      edgesFocusable={false}
      elementsSelectable={false}
      deleteKeyCode={null}
      onMoveStart={(event) => event && onMoved()}
      {...(many ? { onPaneClick: chooseOnMap } : {})}
      preventScrolling={!matchMedia("(max-width: 760px)").matches}
    >
      <Background gap={20} size={1} />
      {many && <MapOfMany {...{ steps, nodes, arrangement, selected, lit }} />}
      {!many && nodes.length > MINIMAP.from && (
        <MiniMap<StepNode>
          pannable
          zoomable
          ariaLabel="Small map of the steps"
          nodeClassName={({ data }) => `of-${stateOfStep(data.step).look}`}
        />
      )}
      <Tools {...{ steps, fitted, lit, arrangement, onMoved, select }} />
    </ReactFlow>
  );
}

const viewOf = ({ places, size: { width, height } }: Arrangement, canvas: Size) =>
  getViewportForBounds(
    { x: 0, y: 0, width, height },
    canvas.width,
    canvas.height,
    0.01,
    1,
    room(places.size, canvas.width),
  );

function nodeAt(point: { x: number; y: number }, { places }: Arrangement): string | null {
  for (const [id, place] of places) {
    if (meet(place, { ...point, width: 0.1, height: 0.1 })) return id;
  }
  return null;
}

/** The nodes that the layout depends on: not on how they stand. */
function nodesOf(steps: Step[], defined: DefinedStep[]): Node[] {
  const rows = new Map(steps.map((step) => [step.step_id, step.id]));
  const after = new Map(defined.map((step) => [step.id, step.depends_on ?? []]));
  return steps.map((step) => ({
    id: step.id,
    hasBar: step.items !== null,
    after: (after.get(step.step_id) ?? []).flatMap((id) => rows.get(id) ?? []),
  }));
}

/** The same object as long as it says the same, so that nothing is laid out again. */
function useStable<T>(value: T): T {
  const written = JSON.stringify(value);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is written is the value
  return useMemo(() => value, [written]);
}

function linesOf(nodes: Node[], steps: Step[]): Edge[] {
  const rows = new Map(steps.map((step) => [step.id, step]));
  return edges(nodes).map(([source, target]) => {
    const className = courseOf(rows.get(source), rows.get(target));
    return { id: `${source}-${target}`, source, target, className };
  });
}
