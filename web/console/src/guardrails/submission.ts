/** Saying a step: from what was said to a form, from there to a request, and what is wrong with it. */

import { isObject } from "../api/json";
import { same, type Values } from "../forms/param";
import type { FieldProblem } from "../forms/problems";
import { probesIn } from "./selection";
import {
  CLUSTER,
  isComplete,
  isSaid,
  LAST,
  MODELS,
  ONBOARDING,
  PROBES,
  PROFILE,
  SPECS,
  STEPS,
  stepAt,
} from "./stepList";
import { clustersOf, fieldOf, newestRun, type Workflow } from "./workflow";

/** What was said with a step, by the names of its fields. */
export function valuesOf(workflow: Workflow | null, number: number): Values {
  const names = stepAt(number).fields;
  return Object.fromEntries(
    names.map((name) => [name, fieldOf(workflow, name)]).filter(([, value]) => value !== undefined),
  );
}

/** The body of a request that says a step; undefined is left out. */
export function bodyOf(workflow: Workflow | null, number: number, values: Values): Values {
  const frame = workflow
    ? { workflow_id: workflow.workflow_id }
    : { workflow_total_steps: STEPS.length };
  // An empty load asks for what is usual, and a description is taken away by an empty one.
  const said =
    number === SPECS
      ? { ...values, deploy_config: values.deploy_config ?? {} }
      : number === PROFILE && fieldOf(workflow, "description") !== undefined
        ? { ...values, description: values.description ?? "" }
        : values;
  const trigger = number === LAST ? { trigger_workflow: true } : {};
  return { ...frame, step_number: number, ...said, ...trigger };
}

/** What can be seen before it is sent. */
export function faultsOf(
  workflow: Workflow | null,
  number: number,
  values: Values,
): FieldProblem[] {
  const { needs, fields } = stepAt(number);
  const empty = number === PROBES ? withoutRules(workflow, values) : [];
  const gone = fields
    .filter((name) => name !== "description" && name !== "deploy_config")
    .filter((name) => isSaid(fieldOf(workflow, name)) && !isSaid(values[name]))
    .filter((name) => values[name] === undefined || needs.includes(name))
    .map((name) => ({ name, message: "What was said can be replaced, but not taken back." }));
  const isKnown = needs.some((name) => isSaid(values[name]) || isSaid(fieldOf(workflow, name)));
  const existing = number === PROFILE && isSaid(fieldOf(workflow, "guardrail_profile_id"));
  if (gone.length > 0 || needs.length === 0 || isKnown || existing) return [...gone, ...empty];
  const message = needs.length > 1 ? "This, or the other one, is needed." : "This is needed.";
  return needs.map((name) => ({ name, message }));
}

/** A list of rules with nothing in it means all of them, which nobody sees in it. */
function withoutRules(workflow: Workflow | null, values: Values): FieldProblem[] {
  if (same(values.probe_selections, fieldOf(workflow, "probe_selections"))) return [];
  return probesIn(values.probe_selections).flatMap(({ rules }, at) =>
    rules?.length === 0
      ? [{ name: "probe_selections", path: `${at}/rules`, message: "Choose a rule, or all." }]
      : [],
  );
}

const FORGETS: Record<string, readonly string[]> = {
  project_id: ["model_statuses", "recommended_clusters", "cluster_id", "endpoint_ids"],
  probe_selections: ["model_statuses", "recommended_clusters", "cluster_id"],
  guardrail_profile_id: ["model_statuses", "recommended_clusters", "cluster_id"],
  hardware_mode: ["recommended_clusters", "cluster_id"],
  deploy_config: ["recommended_clusters", "cluster_id"],
  is_standalone: ["endpoint_ids"],
};
const WORDS: Record<string, string> = {
  model_statuses: "the status of the models",
  recommended_clusters: "the recommended clusters",
  cluster_id: "the cluster",
  endpoint_ids: "the endpoints",
};

/** What of the workflow hangs on an answer, and is forgotten if it becomes *values*. */
export function forgets(workflow: Workflow | null, values: Values): string[] {
  const changed = Object.keys(values).filter(
    (name) => isSaid(fieldOf(workflow, name)) && !same(fieldOf(workflow, name), values[name]),
  );
  const stale = changed
    .filter((name) => name !== "is_standalone" || values[name] === true)
    .flatMap((name) => FORGETS[name] ?? []);
  return [...new Set(stale)]
    .filter((name) => isSaid(fieldOf(workflow, name)))
    .map((name) => WORDS[name] as string);
}

/** What the button of the form says; null where sending it would do nothing. */
export function buttonWord(
  workflow: Workflow | null,
  number: number,
  isChanged: boolean,
): string | null {
  if (workflow === null) return "Begin";
  const again = workflow.phase === "failed" && newestRun(workflow)?.step_number === number;
  if (number === LAST) return again ? "Deploy again" : "Deploy";
  if (number === CLUSTER && clustersOf(workflow).length === 0) return "Look for clusters again";
  if (number === MODELS) return null;
  if (!isChanged && isComplete(workflow, number) && !again) return null;
  if (number === ONBOARDING) return again ? "Onboard again" : "Onboard the models";
  if (number === SPECS) return "Look for clusters";
  return "Save and go on";
}

export interface Missing {
  step: number;
  fields: string[];
}

/** The steps that have to be said first, as a refusal tells them. */
export function missingOf(body: Readonly<Record<string, unknown>>): Missing[] {
  if (!Array.isArray(body.missing)) return [];
  return body.missing.filter(isObject).map(({ step, fields }) => ({
    step: Number(step),
    fields: Array.isArray(fields) ? fields.map(String) : [],
  }));
}
