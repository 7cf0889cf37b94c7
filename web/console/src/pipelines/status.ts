import type { State } from "../states";

const STATES: Record<string, State> = {
  ACTIVE: { word: "Active", look: "waiting", icon: "check" },
  DRAFT: { word: "Draft", look: "skipped", icon: "dot" },
  ARCHIVED: { word: "Archived", look: "skipped", icon: "stop" },
};

/** Where a definition is in its life: none of it is good or bad, so it has no colour. */
export const stateOfPipeline = (status: string): State =>
  STATES[status] ?? { word: status, look: "waiting", icon: "dot" };
