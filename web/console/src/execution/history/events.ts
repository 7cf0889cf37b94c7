/** The history of an execution: pieces of it that were fetched and that came by the stream. */

import { Exact } from "../../api/json";
import type { Event } from "../../api/types";
import type { IconName, Look } from "../../states";
import { duration } from "../../time";

/** Put *more* into *known*, both in any order: by their numbers, each once. */
export function merged(known: Event[], more: Event[]): Event[] {
  const last = known.at(-1)?.sequence_number ?? 0;
  const inOrder = more.every(
    (event, at) => event.sequence_number > (more[at - 1]?.sequence_number ?? last),
  );
  if (inOrder) return more.length > 0 ? [...known, ...more] : known;
  const all = new Map([...known, ...more].map((event) => [event.sequence_number, event]));
  return [...all.values()].sort((one, other) => one.sequence_number - other.sequence_number);
}

export interface EventLine {
  icon: IconName;
  look: Look;
  text: string;
}

type Say = (subject: string, details: Record<string, unknown>, event: Event) => string;

const WORDS: Record<string, [IconName, Look, Say]> = {
  workflow_started: ["play", "running", () => "Execution started"],
  workflow_progress: ["dot", "running", (_, __, event) => `Execution at ${percent(event)}`],
  workflow_completed: ["check", "done", () => "Execution completed"],
  workflow_failed: ["cross", "failed", (_, d) => `Execution failed${because(d)}`],
  workflow_interrupted: ["stop", "waiting", (_, d) => `Execution interrupted${because(d)}`],
  cancel_requested: ["stop", "retrying", (_, d) => `Cancel requested${because(d)}`],
  deadline_passed: ["clock", "failed", () => "The time of the execution was up"],
  step_started: ["play", "running", (s, d) => `${s} started${again(d)}${on(d)}`],
  step_parked: ["pause", "parked", (s, d) => `${s} parked${until(d)}`],
  step_reminder: ["clock", "parked", (s) => `${s} still waits`],
  step_progress: ["dot", "running", (s, _, event) => `${s} at ${percent(event)}`],
  step_completed: [
    "check",
    "done",
    (s, d) => `${s} completed${d.caught ? ", its failure caught" : ""}`,
  ],
  step_failed: ["cross", "failed", (s, d) => `${s} failed${because(d)}`],
  step_skipped: ["skip", "waiting", (s, d) => `${s} skipped${d.reason ? `: ${d.reason}` : ""}`],
  step_retrying: [
    "retry",
    "retrying",
    (s, d) => `${s} failed, tries again${after(d)}${because(d)}`,
  ],
  step_timeout: ["clock", "failed", (s, d) => `${s} timed out${because(d)}`],
  step_recovered: [
    "retry",
    "failed",
    (s, d) => `${s}: attempt ${d.lost_attempt} was lost, queued again`,
  ],
  step_expanded: ["play", "running", (s, d) => `${s} has ${made(d)}`],
  place_awaited: ["clock", "waiting", (s, d) => `${s || "Execution"} stands in line for ${d.key}`],
  place_taken: ["play", "running", (s, d) => `${s || "Execution"} has its place of ${d.key}`],
  eta_update: ["clock", "running", (s, _, event) => `${s} expects to need ${event.eta_seconds} s`],
  alert_raised: ["clock", "failed", (_, d) => `Alert: ${d.rule ?? d.kind}`],
  alert_resolved: ["check", "done", (_, d) => `Alert over: ${d.rule ?? d.kind}`],
};

const text = (value: unknown): string =>
  typeof value === "object" && value !== null && !(value instanceof Exact)
    ? JSON.stringify(value)
    : String(value);
const percent = (event: Event) => `${Math.floor(Number(event.progress_percentage ?? 0))} %`;
const because = (d: Record<string, unknown>) => {
  const why = d.error ?? d.message ?? d.error_code;
  // The end of an execution has its error as an object, that of a step as a text.
  const { message } = (typeof why === "object" && why !== null ? why : {}) as { message?: unknown };
  return why ? `: ${text(message ?? why)}` : "";
};
const again = (d: Record<string, unknown>) =>
  Number(d.attempt) > 1 ? ` again, attempt ${d.attempt}` : "";
const on = (d: Record<string, unknown>) => (d.worker ? ` on ${d.worker}` : "");
const until = (d: Record<string, unknown>) =>
  Array.isArray(d.external_ids) && d.external_ids.length > 0
    ? ` until ${d.external_ids.join(", ")}`
    : "";
const after = (d: Record<string, unknown>) =>
  d.delay_seconds ? ` in ${duration(Number(d.delay_seconds) * 1000)}` : "";
const made = (d: Record<string, unknown>) =>
  d.items === undefined ? "opened" : `${d.items} items`;

/** One event in words. *subject* is how the step or item is called. */
export function eventLine(event: Event, subject: string): EventLine {
  const [icon, look, say] = WORDS[event.event_type] ?? ["dot", "waiting", () => event.event_type];
  return { icon, look, text: say(subject, event.event_details, event) };
}

/** The step of the definition that an event belongs to, also if it was in a block or an item. */
export function stepOf(event: Event): string | null {
  const { within, step_id } = event.event_details;
  if (typeof within === "string" && within) return /^[^[/#]+/.exec(within)?.[0] ?? null;
  return typeof step_id === "string" ? step_id : null;
}
