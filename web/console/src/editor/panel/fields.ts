/** What a definition has beside the params of actions, as forms show it (docs/reference/definition.md). */

import type { Option, Param } from "../../forms/param";

const YEAR_SECONDS = 366 * 86_400;

const choices = (...values: string[]): Option[] =>
  values.map((value) => ({ value, label: value.replaceAll("_", " ") }));

const seconds = (name: string, label: string, description: string, min = 1): Param => ({
  name,
  label,
  type: "number",
  description,
  validation: { min, max: YEAR_SECONDS },
});

const count = (
  name: string,
  label: string,
  description: string,
  min: number,
  max: number,
): Param => ({
  name,
  label,
  type: "number",
  whole: true,
  description,
  validation: { min, max },
});

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

export const CANCEL_REST: Param[] = [
  {
    name: "cancel_rest",
    label: "Stop the others",
    type: "boolean",
    default: false,
    description: "What else it waits for is stopped as soon as the rule is met.",
  },
];

export const TIMES: Param[] = [
  seconds(
    "timeout_seconds",
    "Time limit (s)",
    "Of each attempt; of a fan-out or block as a whole.",
  ),
  {
    name: "on_failure",
    label: "When it has failed for good",
    type: "select",
    default: "fail",
    options: choices("fail", "continue", "retry"),
    description: "“continue” handles the failure: it stops nobody.",
  },
];

export const RETRY: Param[] = [
  { ...count("max_attempts", "Attempts", "The first one included.", 1, 100), default: 3 },
  { ...seconds("backoff_seconds", "Pause (s)", "Before the second attempt.", 0), default: 60 },
  {
    name: "backoff_multiplier",
    label: "Longer each time by",
    type: "number",
    default: 2,
    validation: { min: 1, max: 100 },
  },
  seconds(
    "max_backoff_seconds",
    "Longest pause (s)",
    "A peer's Retry-After is granted up to it.",
    0,
  ),
  {
    name: "jitter",
    label: "Jitter",
    type: "select",
    default: "full",
    options: choices("full", "none"),
  },
  seconds(
    "max_elapsed_seconds",
    "Give up after (s)",
    "From the first attempt until the last begins.",
  ),
  {
    name: "retry_on",
    label: "Only these errors",
    type: "json",
    description: "Codes and patterns, such as http_5xx; none means all.",
    placeholder: '["http_5xx", "timeout"]',
  },
  {
    name: "no_retry_on",
    label: "Never these errors",
    type: "json",
    placeholder: '["http_404"]',
  },
];

export const CATCH: Param[] = [
  {
    name: "errors",
    label: "Errors",
    type: "json",
    required: true,
    description: "A code or pattern, or a list of them; “*” is every one.",
    placeholder: '"*"',
  },
  {
    name: "outputs",
    label: "Outputs instead",
    type: "json",
    shape: "object",
    description: "Templates that know the error, too.",
    placeholder: '{"because": "{{ error.code }}"}',
  },
  {
    name: "next",
    label: "Go on with",
    type: "json",
    description: "Steps that run after such a failure only. They have to wait for this one.",
    placeholder: '"second"',
  },
];

export const FOR_EACH: Param[] = [
  {
    name: "items",
    label: "Items",
    type: "json",
    required: true,
    description: "A list, or a template that gives one.",
    placeholder: '"{{ params.urls }}"',
  },
  count("max_concurrency", "How many at once", "All, if nothing is said.", 1, 10_000),
  {
    name: "tolerated_failures",
    label: "Failures that are tolerated",
    type: "json",
    default: 0,
    description: 'A count, or a share such as "10%".',
  },
  {
    name: "key",
    label: "What an item is called",
    type: "template",
    placeholder: "{{ item.name }}",
  },
  seconds("item_timeout_seconds", "Time limit of an item (s)", "Of each attempt of it."),
];

export const WHILE: Param[] = [
  { name: "condition", label: "While", type: "template", description: "Asked before each round." },
  { name: "until", label: "Until", type: "template", description: "Asked after each round." },
  {
    name: "carry",
    label: "Carry",
    type: "json",
    shape: "object",
    description: "“start” for the first round, “next” for the one behind.",
    placeholder: '{"start": 0, "next": "{{ result.n }}"}',
  },
  { name: "collect", label: "Collect", type: "json", description: "Rendered after each round." },
  { ...count("max_iterations", "Most rounds", "", 1, 10_000), default: 100 },
  { name: "delay_seconds", label: "Pause between (s)", type: "number", default: 0 },
  count("tolerated_failures", "Failures in a row that are tolerated", "", 0, 10_000),
  seconds("timeout_seconds", "No round begins after (s)", ""),
  seconds("iteration_timeout_seconds", "Time limit of a round (s)", "Of each attempt of it."),
];

export const CONCURRENCY: Param[] = [
  {
    name: "key",
    label: "Key",
    type: "template",
    required: true,
    description: "What has the same key shares its places, in all executions of one owner.",
    placeholder: "licence-{{ params.vendor }}",
  },
  { ...count("limit", "Places", "", 1, 10_000), default: 1 },
  {
    name: "when_full",
    label: "When there is no place",
    type: "select",
    default: "wait",
    options: choices("wait", "skip", "fail", "cancel_oldest"),
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

export const HANDLER_WHEN: Param[] = [
  {
    name: "when",
    label: "Runs",
    type: "select",
    options: choices("on_success", "on_failure", "on_cancel", "always"),
    description: "Beats the list that it stands in.",
  },
];

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

const TYPES = ["string", "integer", "float", "boolean", "array", "object", "json", "secret"];
const REFERENCES = [
  "model",
  "cluster",
  "project",
  "endpoint",
  "provider",
  "credential",
  "cloud_model",
];

export const PARAMETER: Param[] = [
  {
    name: "type",
    label: "Type",
    type: "select",
    default: "string",
    options: choices(...TYPES, ...REFERENCES.map((kind) => `${kind}_ref`)),
  },
  { name: "description", label: "Description", type: "string" },
  { name: "required", label: "Has to be given", type: "boolean", default: true },
  {
    name: "default",
    label: "Default",
    type: "json",
    description: "Has to fit the type and the limits.",
  },
  { name: "enum", label: "Choices", type: "json", placeholder: '["eu", "us"]' },
  { name: "minimum", label: "Smallest", type: "number", group: "Limits" },
  { name: "maximum", label: "Largest", type: "number", group: "Limits" },
  { ...count("min_length", "Shortest", "", 0, 1_000_000_000), group: "Limits" },
  { ...count("max_length", "Longest", "", 0, 1_000_000_000), group: "Limits" },
  { name: "pattern", label: "Pattern", type: "string", group: "Limits" },
  {
    name: "format",
    label: "Format",
    type: "select",
    options: choices(
      "date",
      "date-time",
      "time",
      "duration",
      "email",
      "uri",
      "uuid",
      "ipv4",
      "ipv6",
      "hostname",
    ),
    group: "Limits",
  },
  { name: "items", label: "Each item", type: "json", shape: "object", group: "Inside" },
  { name: "properties", label: "Members", type: "json", shape: "object", group: "Inside" },
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
