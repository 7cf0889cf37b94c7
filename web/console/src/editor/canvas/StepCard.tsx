/** A step on the canvas: what it is called, what it does, and what is special about it. */

import { Handle, type NodeProps, Position } from "@xyflow/react";
import { memo } from "react";
import { isObject, type Members } from "../../api/json";
import { listOf } from "../../definition/document";
import { Glyph } from "../Glyph";
import { actionOf, isBlock, nameOf } from "../model/steps";
import type { LaneNode, StepNode } from "./nodes";

export const StepCard = memo(function StepCard({ data }: NodeProps<StepNode>) {
  const { placed, action, problems, direction } = data;
  const { step, isHandler } = placed;
  const [entry, exit] =
    direction === "LR" ? [Position.Left, Position.Right] : [Position.Top, Position.Bottom];
  const block = isBlock(step);
  const badges = badgesOf(step);
  const { type, version } = actionOf(step);
  return (
    <>
      <Handle type="target" position={entry} className="port" isConnectable={!isHandler} />
      <div className={`editor-card${problems > 0 ? " bad" : ""}${isHandler ? " quiet" : ""}`}>
        <span className="top">
          <Glyph icon={block ? "block" : (action?.icon ?? "dot")} color={action?.color} />
          <span className="name" title={nameOf(step)}>
            {nameOf(step)}
          </span>
        </span>
        <span className="sub">
          {problems > 0 && (
            <span className="bad-count">
              {problems} {problems === 1 ? "problem" : "problems"}
            </span>
          )}
          {block && <span className="badge">{listOf(step.steps).length} steps</span>}
          {badges.map((badge) => (
            <span key={badge} className="badge">
              {badge}
            </span>
          ))}
          {badges.length === 0 && !block && (
            <code>{version ? `${type}@${version}` : type || "no action"}</code>
          )}
        </span>
      </div>
      <Handle type="source" position={exit} className="port" isConnectable={!isHandler} />
    </>
  );
});

const RULES: Record<string, string> = {
  all_success: "when all completed",
  all_done: "when all ended",
  one_success: "when one completed",
  one_failed: "when one failed",
  all_failed: "when all failed",
  always: "always",
  one_done: "when one ended",
};

/** What is not as in most steps, in few words. */
export function badgesOf(step: Members): string[] {
  const rule = step.trigger_rule;
  const retry = Array.isArray(step.retry) ? step.retry[0] : step.retry;
  return [
    typeof step.condition === "string" && step.condition && "if",
    step.for_each != null && "for each",
    isObject(step.while) && "while",
    isObject(rule) ? `at least ${rule.at_least}` : RULES[String(rule ?? "").toLowerCase()],
    isObject(retry) && `retry ${retry.max_attempts ?? 3}×`,
    listOf(step.catch).length > 0 && "catch",
    isObject(step.compensate) && "undo",
    step.on_failure === "continue" && "may fail",
  ].filter((badge): badge is string => typeof badge === "string");
}

export const LaneHead = memo(function LaneHead({ data }: NodeProps<LaneNode>) {
  return <div className="lane-head">{data.word}</div>;
});
