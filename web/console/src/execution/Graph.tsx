/** The steps of the definition, and how each stands. A fan-out is one node, however large it is. */

import {
  Background,
  type Edge,
  type Node as FlowNode,
  Handle,
  type NodeProps,
  Panel,
  Position,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
} from "@xyflow/react";
import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { DefinedStep, Step } from "../api/types";
import { Bar } from "../parts/Bar";
import { Mark } from "../parts/State";
import { isOpen, stateOfStep } from "../states";
import { duration, moment } from "../time";
import { type Part, parts } from "./counts";
import { better, type Direction, edges, type Node, places } from "./layout";
import { pointing, usePointed } from "./pointer";
import "@xyflow/react/dist/base.css";

/** Above so many nodes only those that are seen are mounted. */
const MANY = 120;
/** Below are the legend and the buttons. */
const FIT = { padding: { x: "24px", top: "20px", bottom: "52px" }, maxZoom: 1 } as const;

interface Shown extends Record<string, unknown> {
  step: Step;
  parts: Part[];
  selected: boolean;
  direction: Direction;
  select: (id: string) => void;
}
type StepNode = FlowNode<Shown, "step">;

interface Props {
  steps: Step[];
  defined: DefinedStep[];
  items: Map<string, Step[]>;
  selected: string | null;
  select: (id: string) => void;
}

interface Size {
  width: number;
  height: number;
}

export function Graph(props: Props) {
  const frame = useRef<HTMLElement>(null);
  const [size, setSize] = useState<Size | null>(null);
  useLayoutEffect(() => {
    if (frame.current)
      setSize({ width: frame.current.clientWidth, height: frame.current.clientHeight });
  }, []);
  return (
    <section className="graph" aria-label="Steps" ref={frame}>
      <ReactFlowProvider>{size && <Canvas {...props} size={size} />}</ReactFlowProvider>
      <Legend />
    </section>
  );
}

function Canvas({ steps, defined, items, selected, select, size }: Props & { size: Size }) {
  const drawn = useStable(useMemo(() => nodesOf(steps, defined), [steps, defined]));
  const direction = useMemo(() => better(drawn, size), [drawn, size]);
  const at = useMemo(() => places(drawn, direction), [drawn, direction]);
  const nodes = steps.map((step): StepNode => {
    const { x, y, width, height } = at.get(step.id) ?? { x: 0, y: 0, width: 0, height: 0 };
    const counted = step.items ? parts(step.items, items.get(step.id)) : [];
    return {
      id: step.id,
      type: "step",
      position: { x, y },
      width,
      height,
      handles: handlesOf(direction, width, height),
      data: { step, parts: counted, selected: step.id === selected, direction, select },
    };
  });
  const lines = edges(drawn).map(([from, to]) => edgeOf(from, to, steps));
  return (
    <ReactFlow
      nodes={nodes}
      edges={lines}
      nodeTypes={NODE_TYPES}
      fitView
      fitViewOptions={FIT}
      minZoom={0.15}
      maxZoom={1.6}
      nodesDraggable={false}
      nodesConnectable={false}
      nodesFocusable={false}
      edgesFocusable={false}
      elementsSelectable={false}
      deleteKeyCode={null}
      onlyRenderVisibleElements={nodes.length > MANY}
      preventScrolling={!matchMedia("(max-width: 760px)").matches}
    >
      <Background gap={20} size={1} />
      <Controls />
    </ReactFlow>
  );
}

function Controls() {
  const { fitView, zoomIn, zoomOut } = useReactFlow();
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const typing = target.closest("input, textarea, select, dialog, [contenteditable]");
      if (event.key === "f" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        void fitView(FIT);
      }
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [fitView]);
  return (
    <Panel position="bottom-right" className="corner">
      <button type="button" onClick={() => void zoomOut()} aria-label="Smaller">
        −
      </button>
      <button type="button" onClick={() => void zoomIn()} aria-label="Larger">
        +
      </button>
      <button type="button" onClick={() => void fitView(FIT)}>
        Fit <kbd>f</kbd>
      </button>
    </Panel>
  );
}

const LEGEND = [
  ["completed", "done"],
  ["running", "running"],
  ["parked", "parked"],
  ["trying again", "retrying"],
  ["failed", "failed"],
  ["waiting", "waiting"],
] as const;

function Legend() {
  return (
    <ul className="legend" aria-label="Colours">
      {LEGEND.map(([word, look]) => (
        <li key={look}>
          <i className={`fill-${look}`} />
          {word}
        </li>
      ))}
    </ul>
  );
}

const StepCard = memo(function StepCard({ data }: NodeProps<StepNode>) {
  const { step, parts, selected, direction, select } = data;
  const pointed = usePointed(step.id);
  const state = stateOfStep(step);
  const [entry, exit] =
    direction === "LR" ? [Position.Left, Position.Right] : [Position.Top, Position.Bottom];
  const quiet = state.look === "waiting" || state.look === "skipped";
  return (
    <>
      <Handle type="target" position={entry} />
      <button
        type="button"
        className={`node${quiet ? " quiet" : ""}${pointed ? " pointed" : ""}`}
        aria-pressed={selected}
        onClick={() => select(step.id)}
        {...pointing(step.id)}
      >
        <span className="top">
          <Mark state={state} />
          <span className="name" title={step.step_name}>
            {step.step_name || step.step_id}
          </span>
        </span>
        <span className="sub">
          {parts.length > 0 ? <Counted parts={parts} /> : <Plain step={step} word={state.word} />}
        </span>
        {step.items && (
          <Bar
            shares={parts.map(({ look, count }) => ({ look, share: count }))}
            label={`${step.items.total} items`}
          />
        )}
      </button>
      <Handle type="source" position={exit} />
    </>
  );
});

const NODE_TYPES = { step: StepCard };

function Counted({ parts }: { parts: Part[] }) {
  return parts.map(({ look, word, count }) => (
    <span key={word} className={`count-${look}`}>
      {count} {word}
    </span>
  ));
}

function Plain({ step, word }: { step: Step; word: string }) {
  const { start_time, end_time } = step;
  const took =
    start_time && end_time ? duration(moment(end_time) - moment(start_time)) : word.toLowerCase();
  return (
    <>
      <span>{step.status === "SKIPPED" ? "skipped" : took}</span>
      <code>{step.handler_type}</code>
    </>
  );
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

function edgeOf(source: string, target: string, steps: Step[]): Edge {
  const from = steps.find((step) => step.id === source);
  const to = steps.find((step) => step.id === target);
  const goes = from?.status === "RUNNING" || from?.status === "RETRYING";
  const gone = from?.status === "COMPLETED" && to !== undefined && !skippedOrWaiting(to);
  const className = gone ? "gone" : goes ? "goes" : "";
  return { id: `${source}-${target}`, source, target, className };
}

const skippedOrWaiting = (step: Step) =>
  step.status === "SKIPPED" || (isOpen(step.status) && step.start_time === null);

function handlesOf(direction: Direction, width: number, height: number) {
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
