/** How schedules stand, and what became of their due times, in words. */

import { type State, stateIn } from "../states";

export const STATUSES = ["active", "paused", "completed", "expired"] as const;

const STATUS: Record<string, State> = {
  active: { word: "Active", look: "done", icon: "check" },
  paused: { word: "Paused", look: "retrying", icon: "pause" },
  completed: { word: "Completed", look: "waiting", icon: "stop" },
  expired: { word: "Expired", look: "waiting", icon: "clock" },
};

export const OUTCOMES = ["fired", "queued", "skipped", "merged", "failed"] as const;

const OUTCOME: Record<string, State> = {
  fired: { word: "Fired", look: "done", icon: "check" },
  queued: { word: "Queued", look: "running", icon: "clock" },
  skipped: { word: "Skipped", look: "skipped", icon: "skip" },
  merged: { word: "Merged", look: "waiting", icon: "retry" },
  failed: { word: "Failed", look: "failed", icon: "cross" },
};

export const stateOfSchedule = (status: string): State => stateIn(STATUS, status);
export const stateOfFire = (outcome: string): State => stateIn(OUTCOME, outcome);

/** Why the engine itself has paused it. */
export const PAUSED_BECAUSE: Record<string, string> = {
  failures: "too many executions in a row have failed",
  invalid_schedule: "its time cannot be understood any more",
  pipeline_deleted: "its pipeline was deleted",
  pipeline_archived: "its pipeline is archived",
};

/** Why nothing was started for a due time; codes of errors stand for themselves. */
export const BECAUSE: Record<string, string> = {
  misfire: "nobody was there at that time",
  overlap: "an execution before it was open",
  paused: "it was paused",
  failures: "too many have failed before",
  max_runs: "it had run often enough",
};

export const ORIGINS: Record<string, string> = {
  clock: "the clock",
  manual: "by hand",
  backfill: "a backfill",
};
