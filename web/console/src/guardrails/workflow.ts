/** A guardrail deployment workflow as the API tells it: what was said, found out and started. */

import { isObject } from "../api/json";
import type { GuardrailProgress, GuardrailWorkflow, ModelStatus } from "../api/types";
import type { Limit } from "../forms/param";
import { type State, stateIn } from "../states";

export const DEPLOY_WORKFLOW = "/guardrails/deploy-workflow";

export type Workflow = GuardrailWorkflow;
export type Run = Workflow["runs"][number];
export type Progress = GuardrailProgress;

/** A probe that was selected; what else it holds is kept. */
export interface Probe {
  id: string;
  rules?: readonly Rule[] | null;
  [more: string]: unknown;
}

export interface Rule {
  id: string;
  [more: string]: unknown;
}

/** A cluster that has room for all models together. */
export interface Cluster {
  cluster_id: string;
  cluster_name?: string | null;
  available_memory_gb?: Limit | null;
  required_memory_gb?: Limit | null;
  headroom_gb?: Limit | null;
  cost_per_million_tokens?: Limit | null;
}

/** What was taken back of a deployment that has failed or was cancelled. */
export interface Rollback {
  status: string;
  cleaned_up: Readonly<Record<string, readonly string[]>>;
  kept: Readonly<Record<string, readonly string[]>>;
  errors: readonly string[];
}

export interface OnboardedModel {
  rule_id?: string;
  model_uri?: string;
  model_id?: string;
}

/** A field of the workflow; undefined if nobody has said or found it out. */
export const fieldOf = (workflow: Workflow | null, name: string): unknown =>
  workflow?.workflow_steps[name] ?? undefined;

const list = <One>(workflow: Workflow | null, name: string): One[] => {
  const found = fieldOf(workflow, name);
  return Array.isArray(found) ? found.filter(isObject).map((one) => one as One) : [];
};

export const probesOf = (workflow: Workflow | null): Probe[] => list(workflow, "probe_selections");
export const clustersOf = (workflow: Workflow | null): Cluster[] =>
  list(workflow, "recommended_clusters");
export const onboardedOf = (workflow: Workflow | null): OnboardedModel[] =>
  list(workflow, "onboarded_models");

/** Null before they are known; then there may be none. */
export const modelsOf = (workflow: Workflow | null): ModelStatus[] | null =>
  fieldOf(workflow, "model_statuses") === undefined ? null : list(workflow, "model_statuses");

export function rollbackOf(workflow: Workflow): Rollback | null {
  const found = fieldOf(workflow, "rollback");
  return isObject(found) ? (found as unknown as Rollback) : null;
}

export const newestRun = ({ runs }: Workflow): Run | null => runs.at(-1) ?? null;

const RUNNING = ["onboarding", "recommending", "deploying", "cancelling"];

/** While a pipeline of it runs nothing else can be said. */
export const isRunning = ({ phase }: Pick<Workflow, "phase">): boolean => RUNNING.includes(phase);
/** Nothing moves it any more. */
export const isOver = ({ phase }: Workflow): boolean =>
  phase === "completed" || phase === "cancelled";

/** What it is called: the name of its profile, or what there is of it. */
export function nameOf(workflow: Workflow): string {
  const name = fieldOf(workflow, "name") ?? fieldOf(workflow, "guardrail_profile_id");
  return typeof name === "string" ? name : "Guardrail without a name";
}

const PHASES: Record<string, State> = {
  collecting: { word: "Waits for you", look: "parked", icon: "pause" },
  onboarding: { word: "Onboarding", look: "running", icon: "play" },
  recommending: { word: "Looking for clusters", look: "running", icon: "play" },
  deploying: { word: "Deploying", look: "running", icon: "play" },
  completed: { word: "Completed", look: "done", icon: "check" },
  failed: { word: "Failed", look: "failed", icon: "cross" },
  cancelling: { word: "Cancelling", look: "retrying", icon: "stop" },
  cancelled: { word: "Cancelled", look: "waiting", icon: "stop" },
};

export const stateOfPhase = (phase: string): State => stateIn(PHASES, phase);

const RUNS: Record<string, State> = {
  running: { word: "Running", look: "running", icon: "play" },
  completed: { word: "Completed", look: "done", icon: "check" },
  failed: { word: "Failed", look: "failed", icon: "cross" },
  cancelled: { word: "Cancelled", look: "waiting", icon: "stop" },
};

export const stateOfRun = ({ status }: Run): State => stateIn(RUNS, status);

/** What is known already is never older than what was: an answer may come late. */
export function forward(before: Progress | undefined, next: Progress): Progress {
  return before && before.workflow.version > next.workflow.version ? before : next;
}
