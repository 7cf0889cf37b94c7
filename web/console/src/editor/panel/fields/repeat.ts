/** How often a step runs, and how many at once. */

import type { Param } from "../../../forms/param";
import { choices, count, seconds } from "./kinds";

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
