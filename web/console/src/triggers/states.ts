/** What became of events at a trigger, and of what came from outside, in words. */

import { type State, stateIn } from "../states";

export const OUTCOMES = [
  "fired",
  "failed",
  "filtered",
  "duplicate",
  "collected",
  "merged",
  "skipped",
  "pending",
] as const;

const OUTCOME: Record<string, State> = {
  pending: { word: "Pending", look: "running", icon: "clock" },
  fired: { word: "Fired", look: "done", icon: "check" },
  failed: { word: "Failed", look: "failed", icon: "cross" },
  filtered: { word: "Filtered", look: "skipped", icon: "skip" },
  duplicate: { word: "Duplicate", look: "waiting", icon: "retry" },
  collected: { word: "Collected", look: "parked", icon: "pause" },
  merged: { word: "Merged", look: "waiting", icon: "retry" },
  skipped: { word: "Skipped", look: "skipped", icon: "stop" },
};

export const DISPOSITIONS = ["unmatched", "pending", "applied", "closed"] as const;

const DISPOSITION: Record<string, State> = {
  unmatched: { word: "Unmatched", look: "retrying", icon: "dot" },
  pending: { word: "Kept", look: "running", icon: "clock" },
  applied: { word: "Applied", look: "done", icon: "check" },
  closed: { word: "Closed", look: "waiting", icon: "stop" },
};

export const stateOfFiring = (outcome: string): State => stateIn(OUTCOME, outcome);
export const stateOfDisposition = (disposition: string): State => stateIn(DISPOSITION, disposition);
