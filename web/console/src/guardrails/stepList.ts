/** The twelve steps: what each asks, and when it is complete. The server decides which is next. */

import type { State } from "../states";
import { clustersOf, fieldOf, isRunning, modelsOf, newestRun, type Workflow } from "./workflow";

export interface Step {
  number: number;
  word: string;
  /** What it is about, in a sentence. */
  about: string;
  /** What is said with it. */
  fields: readonly string[];
  /** One of these has to be said. */
  needs: readonly string[];
  /** Why it may be passed over. */
  skipped?: string;
}

const NOTHING_TO_DEPLOY = "Nothing has to be deployed: every model serves already.";

const ASKED: Omit<Step, "number">[] = [
  {
    word: "Provider",
    about: "Whose probes the guardrail is made of.",
    fields: ["provider_type", "provider_id"],
    needs: ["provider_type", "provider_id"],
  },
  {
    word: "Project",
    about: "Endpoints, profile and deployment will belong to it.",
    fields: ["project_id"],
    needs: ["project_id"],
  },
  {
    word: "Probes",
    about: "What is looked for, and by which rules.",
    fields: ["probe_selections", "guardrail_profile_id"],
    needs: ["probe_selections", "guardrail_profile_id"],
  },
  {
    word: "Model status",
    about: "Which models the rules need, and how these stand. The engine finds it out.",
    fields: [],
    needs: [],
  },
  {
    word: "Onboarding",
    about: "Models that nobody has yet are fetched with a credential.",
    fields: ["credential_id"],
    needs: ["credential_id"],
    skipped: "Every model is onboarded.",
  },
  {
    word: "Hardware mode",
    about: "Whether a model has its devices for itself.",
    fields: ["hardware_mode"],
    needs: ["hardware_mode"],
    skipped: NOTHING_TO_DEPLOY,
  },
  {
    word: "Deployment specs",
    about: "What the models have to carry. Each of them is simulated with it.",
    fields: ["deploy_config", "budaiscaler_specification"],
    needs: [],
    skipped: NOTHING_TO_DEPLOY,
  },
  {
    word: "Cluster recommendation",
    about: "The clusters that have room for all models together.",
    fields: ["cluster_id"],
    needs: ["cluster_id"],
    skipped: NOTHING_TO_DEPLOY,
  },
  {
    word: "Deployment type",
    about: "Whether the guardrail stands in front of endpoints, or by itself.",
    fields: ["is_standalone"],
    needs: ["is_standalone"],
  },
  {
    word: "Endpoints",
    about: "The endpoints that are guarded.",
    fields: ["endpoint_ids"],
    needs: ["endpoint_ids"],
    skipped: "The guardrail is standalone.",
  },
  {
    word: "Profile",
    about: "What the guardrail is called, and when it steps in.",
    fields: ["name", "description", "tags", "guard_types", "severity_threshold"],
    needs: ["name"],
  },
  {
    word: "Deployment",
    about: "All that was said, carried out at once. A failure takes all of it back.",
    fields: [],
    needs: [],
  },
];

export const STEPS: readonly Step[] = ASKED.map((step, at) => ({ number: at + 1, ...step }));
export const LAST = STEPS.length;
export const PROBES = 3;
export const MODELS = 4;
export const ONBOARDING = 5;
export const SPECS = 7;
export const CLUSTER = 8;
export const TYPE = 9;
export const PROFILE = 11;

export const stepAt = (number: number): Step => STEPS[number - 1] ?? (STEPS[0] as Step);

/** The step that an address names, if there is such a one. */
export function stepNamed(text: string | null): number | null {
  const number = Number(text);
  return Number.isInteger(number) && number >= 1 && number <= LAST ? number : null;
}

/** The step that comes first to the mind: the next one, the one that runs, or all at the end. */
export function stepToShow(workflow: Workflow | null): number {
  if (workflow === null) return 1;
  if (workflow.next_step !== null) return workflow.next_step;
  return isRunning(workflow) ? (newestRun(workflow)?.step_number ?? workflow.current_step) : LAST;
}

/** The one before or after it that is not passed over. */
export function neighbour(workflow: Workflow | null, number: number, by: 1 | -1): number | null {
  const skipped = workflow?.skipped_steps ?? [];
  for (let at = number + by; at >= 1 && at <= LAST; at += by) if (!skipped.includes(at)) return at;
  return null;
}

export const isSaid = (value: unknown): boolean =>
  value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);

/** Whether a step has all that it needs. */
export function isComplete(workflow: Workflow | null, number: number): boolean {
  if (workflow === null) return false;
  if (number === MODELS) return modelsOf(workflow) !== null;
  if (number === ONBOARDING) {
    return modelsOf(workflow)?.every((model) => !model.requires_onboarding) ?? false;
  }
  if (number === SPECS) return isSaid(fieldOf(workflow, "deploy_config"));
  if (number === CLUSTER) {
    const chosen = fieldOf(workflow, "cluster_id");
    return clustersOf(workflow).some(({ cluster_id }) => cluster_id === chosen);
  }
  if (number === PROFILE && isSaid(fieldOf(workflow, "guardrail_profile_id"))) return true;
  if (number === LAST) return workflow.phase === "completed";
  return stepAt(number).needs.some((name) => isSaid(fieldOf(workflow, name)));
}

const STATES = {
  done: { word: "Done", look: "done", icon: "check" },
  running: { word: "Running", look: "running", icon: "play" },
  cancelling: { word: "Cancelling", look: "retrying", icon: "stop" },
  cancelled: { word: "Cancelled", look: "waiting", icon: "stop" },
  failed: { word: "Failed", look: "failed", icon: "cross" },
  skipped: { word: "Skipped", look: "skipped", icon: "skip" },
  next: { word: "Next", look: "parked", icon: "pause" },
  open: { word: "Open", look: "waiting", icon: "dot" },
} as const satisfies Record<string, State>;

export function stateOfStep(workflow: Workflow | null, number: number): State {
  if (workflow === null) return number === 1 ? STATES.next : STATES.open;
  const ran = newestRun(workflow)?.step_number === number;
  if (ran && workflow.phase === "cancelling") return STATES.cancelling;
  if (ran && isRunning(workflow)) return STATES.running;
  if (ran && workflow.phase === "failed") return STATES.failed;
  if (ran && workflow.phase === "cancelled" && !isComplete(workflow, number))
    return STATES.cancelled;
  if (workflow.skipped_steps.includes(number)) return STATES.skipped;
  if (workflow.next_step === number) return STATES.next;
  return isComplete(workflow, number) ? STATES.done : STATES.open;
}
