/** What becomes of a step that takes too long or fails. */

import type { Param } from "../../../forms/param";
import { choices, count, seconds } from "./kinds";

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
