/** States: for each a word, an icon and a colour, and always all three. */

import type { ListedExecution, Step } from "./api/types";

export type Look = "done" | "running" | "parked" | "failed" | "retrying" | "waiting" | "skipped";

export interface State {
  word: string;
  look: Look;
  icon: IconName;
}

export type IconName =
  | "check"
  | "play"
  | "pause"
  | "retry"
  | "dot"
  | "cross"
  | "stop"
  | "skip"
  | "clock";

const EXECUTION: Record<string, State> = {
  PENDING: { word: "Pending", look: "waiting", icon: "dot" },
  RUNNING: { word: "Running", look: "running", icon: "play" },
  COMPLETED: { word: "Completed", look: "done", icon: "check" },
  FAILED: { word: "Failed", look: "failed", icon: "cross" },
  INTERRUPTED: { word: "Interrupted", look: "waiting", icon: "stop" },
};

const STEP: Record<string, State> = {
  PENDING: { word: "Waiting", look: "waiting", icon: "dot" },
  RUNNING: { word: "Running", look: "running", icon: "play" },
  RETRYING: { word: "Trying again", look: "retrying", icon: "retry" },
  COMPLETED: { word: "Completed", look: "done", icon: "check" },
  FAILED: { word: "Failed", look: "failed", icon: "cross" },
  TIMEOUT: { word: "Timed out", look: "failed", icon: "clock" },
  SKIPPED: { word: "Skipped", look: "skipped", icon: "skip" },
};

/** Where a definition is in its life: none of it is good or bad, so it has no colour. */
const PIPELINE: Record<string, State> = {
  ACTIVE: { word: "Active", look: "waiting", icon: "check" },
  DRAFT: { word: "Draft", look: "skipped", icon: "dot" },
  ARCHIVED: { word: "Archived", look: "skipped", icon: "stop" },
};

const PARKED: State = { word: "Parked", look: "parked", icon: "pause" };
const IN_LINE: State = { word: "In line", look: "waiting", icon: "clock" };
const CANCELLING: State = { word: "Cancelling", look: "retrying", icon: "stop" };

export const EXECUTION_STATUSES = Object.keys(EXECUTION);

/** One of the states by its name in the API; one that nobody has put in words is its own word. */
export const stateIn = (states: Readonly<Record<string, State>>, name: string): State =>
  states[name] ?? { word: name, look: "waiting", icon: "dot" };

export const stateOfPipeline = (status: string): State => stateIn(PIPELINE, status);

export const stateOfStatus = (status: string): State => stateIn(EXECUTION, status);

export function stateOfExecution(execution: ListedExecution): State {
  if (execution.cancel_requested_at !== null && isOpen(execution.status)) return CANCELLING;
  return execution.waits_for_place ? IN_LINE : stateOfStatus(execution.status);
}

export function stateOfStep(step: Pick<Step, "status" | "parked" | "waits_for_place">): State {
  if (step.parked) return PARKED;
  return step.waits_for_place ? IN_LINE : stateIn(STEP, step.status);
}

export const isOpen = (status: string): boolean =>
  status === "PENDING" || status === "RUNNING" || status === "RETRYING";
