/** What a definition says of the pipeline as a whole. */

import type { Param } from "../../../forms/param";
import { choices, count, seconds } from "./kinds";

export const PIPELINE: Param[] = [
  { name: "name", label: "Name", type: "string", required: true, validation: { maxLength: 255 } },
  { name: "description", label: "Description", type: "string" },
  {
    name: "version",
    label: "Version",
    type: "string",
    description: "Your own; revisions are counted.",
  },
];

export const SETTINGS: Param[] = [
  seconds("timeout_seconds", "Time limit (s)", "Of the whole execution."),
  seconds(
    "handlers_timeout_seconds",
    "Time for handlers (s)",
    "After the time of the execution is up.",
  ),
  {
    name: "fail_fast",
    label: "Stop at the first failure",
    type: "boolean",
    default: true,
    description: "Off: independent branches finish first.",
  },
  count("max_parallel_steps", "Steps at once", "", 1, 100),
  count(
    "max_concurrent_executions",
    "Executions at once",
    "Of every revision and owner.",
    1,
    10_000,
  ),
  {
    name: "when_full",
    label: "What becomes of one more",
    type: "select",
    default: "queue",
    options: choices("queue", "skip", "fail", "cancel_old"),
  },
  {
    name: "retry_policy",
    label: "Retry",
    type: "json",
    description: "For steps that retry and say nothing of their own.",
  },
];

export const PIPELINE_OUTPUTS: Param[] = [
  {
    name: "outputs",
    label: "Outputs",
    type: "json",
    shape: "object",
    description: "What an execution leaves: templates over params and steps.",
    placeholder: '{"said": "{{ steps.tell.outputs.message }}"}',
  },
];
