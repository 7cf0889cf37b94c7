/** One step on the canvas. A fan-out is one card, however many items it has. */

import { type Node as FlowNode, Handle, type NodeProps, Position } from "@xyflow/react";
import { memo } from "react";
import type { Step } from "../../api/types";
import type { Direction } from "../../graph/nodes";
import { Bar } from "../../parts/Bar";
import { Icon } from "../../parts/Icon";
import { type ItemCount, itemCounts } from "../../parts/itemCounts";
import { Mark } from "../../parts/State";
import { stateOfStep } from "../../states";
import { duration, moment } from "../../time";
import { hovering, useHovered } from "../hover";

export interface StepNodeData extends Record<string, unknown> {
  step: Step;
  selected: boolean;
  /** Whether it is what is looked for: null if nothing is. */
  lit: boolean | null;
  direction: Direction;
  select: (id: string) => void;
}
export type StepNode = FlowNode<StepNodeData, "step">;

const SIDES = {
  LR: [Position.Left, Position.Right],
  TB: [Position.Top, Position.Bottom],
} as const;

export const StepCard = memo(function StepCard({ data }: NodeProps<StepNode>) {
  const { step, selected, lit, direction, select } = data;
  const pointed = useHovered(step.id);
  const state = stateOfStep(step);
  const counted = step.items ? itemCounts(step.items) : [];
  const [entry, exit] = SIDES[direction];
  const quiet = state.look === "waiting" || state.look === "skipped";
  const names = ["graph-node", quiet && "quiet", pointed && "pointed", lit === false && "dim"];
  const name = step.step_name || step.step_id;
  return (
    <>
      <Handle type="target" position={entry} />
      <button
        type="button"
        id={`step-${step.id}`}
        className={names.filter(Boolean).join(" ")}
        aria-pressed={selected}
        onClick={() => select(step.id)}
        {...hovering(step.id)}
      >
        <span className="top">
          <Mark state={state} />
          <span className="name" title={name}>
            {name}
          </span>
        </span>
        <span className="sub">
          {counted.length > 0 ? (
            <Counted counts={counted} />
          ) : (
            <Plain step={step} word={state.word} />
          )}
        </span>
        {step.items && (
          <Bar
            shares={counted.map(({ look, count }) => ({ look, share: count }))}
            label={`${step.items.total} items`}
          />
        )}
      </button>
      <Handle type="source" position={exit} />
    </>
  );
});

function Counted({ counts }: { counts: ItemCount[] }) {
  return counts.map(({ look, icon, word, count }) => (
    <span key={word} className={`count count-${look}`} title={`${count} ${word}`}>
      <Icon name={icon} />
      {count.toLocaleString("en-GB")}
      <span className="unseen"> {word}</span>
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
