/** What a step says beside the params of its action (docs/reference/definition.md). */

import type { Param } from "../../../forms/param";
import { choices, seconds } from "./kinds";

export const NAME: Param[] = [{ name: "name", label: "Name", type: "string", required: true }];

export const CONDITION: Param[] = [
  {
    name: "condition",
    label: "Condition",
    type: "template",
    description: "An expression. If it is false the step is skipped, and stops nobody.",
    placeholder: "{{ params.amount > 1000 }}",
  },
];

export const TRIGGER_RULES: [string, string][] = [
  ["none_failed", "all ended, none with a failure that nobody handled"],
  ["all_success", "all completed"],
  ["all_done", "all ended, however"],
  ["one_success", "one completed; the others may still run"],
  ["one_failed", "one failed; the others may still run"],
  ["all_failed", "all failed"],
  ["one_done", "one completed or failed; the others may still run"],
  ["always", "all ended, even if the execution was cancelled"],
];

export const AT_LEAST: Param[] = [
  {
    name: "at_least",
    label: "How many",
    type: "number",
    whole: true,
    required: true,
    validation: { min: 1 },
  },
];

export const CANCEL_REST: Param[] = [
  {
    name: "cancel_rest",
    label: "Stop the others",
    type: "boolean",
    default: false,
    description: "What else it waits for is stopped as soon as the rule is met.",
  },
];

export const HANDLER_WHEN: Param[] = [
  {
    name: "when",
    label: "Runs",
    type: "select",
    options: choices("on_success", "on_failure", "on_cancel", "always"),
    description: "Beats the list that it stands in.",
  },
];

export const RUNS: Param[] = [
  {
    name: "queue",
    label: "Workers",
    type: "select",
    options: choices("fast", "io", "cpu"),
    description: "Those of the action, if nothing is said.",
  },
  {
    name: "weight",
    label: "Weight in the progress",
    type: "number",
    default: 1,
    validation: { min: 0.001, max: 1000 },
  },
  {
    name: "idempotent",
    label: "May be repeated after a crash",
    type: "boolean",
    description: "What the action says, if nothing is said here.",
  },
  {
    name: "tags",
    label: "Tags",
    type: "json",
    description: "What it uses that the installation may limit.",
    placeholder: '["gpu"]',
  },
];

export const BLOCK_OUTPUTS: Param[] = [
  {
    name: "outputs",
    label: "Outputs",
    type: "json",
    shape: "object",
    description: "What the block leaves: templates over its steps.",
    placeholder: '{"id": "{{ steps.order.outputs.id }}"}',
  },
];

export const COMPENSATE: Param[] = [
  { name: "action", label: "Action", type: "string", required: true },
  { name: "name", label: "Name", type: "string" },
  seconds("timeout_seconds", "Time limit (s)", "Of each attempt."),
  {
    name: "when_failed",
    label: "Also after its own failure",
    type: "boolean",
    default: false,
  },
  { name: "per_item", label: "Each item by itself", type: "boolean", default: false },
  { name: "retry", label: "Retry", type: "json", description: "A policy, or a list of them." },
];

const EVENTS = ["started", "parked", "reminder", "retrying", "completed", "failed", "skipped"];

export const NOTIFY: Param[] = [
  {
    name: "on",
    label: "When it has",
    type: "multiselect",
    required: true,
    options: choices(...EVENTS),
  },
  { name: "subscription", label: "Subscription", type: "string", required: true },
  { name: "title", label: "Title", type: "template", placeholder: "{{ step.name }}" },
  {
    name: "message",
    label: "Message",
    type: "template",
    required: true,
    placeholder: "{{ step.name }}: {{ step.status }}",
  },
  { name: "per_item", label: "Of each item", type: "boolean", default: false },
];
