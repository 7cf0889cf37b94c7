/** What was said with a step, in a few words: beside its name, and in the review of all of them. */

import { isObject } from "../api/json";
import { inline } from "../forms/words";
import { summed } from "./models";
import { CLUSTER, isSaid, MODELS, PROBES, PROFILE, SPECS, stepAt, TYPE } from "./stepList";
import { clustersOf, fieldOf, modelsOf, probesOf, type Workflow } from "./workflow";

/** What was said with a step, or found out at it, in a few words; empty if that is nothing. */
export function summaryOf(workflow: Workflow | null, number: number): string {
  if (number === PROBES) return probesInShort(workflow);
  if (number === MODELS) {
    const models = modelsOf(workflow);
    return models ? summed(models, workflow?.phase === "completed") : "";
  }
  if (number === SPECS) return loadInShort(fieldOf(workflow, "deploy_config"));
  if (number === CLUSTER) {
    const chosen = fieldOf(workflow, "cluster_id");
    const found = clustersOf(workflow).find(({ cluster_id }) => cluster_id === chosen);
    return found?.cluster_name ?? (typeof chosen === "string" ? chosen : "");
  }
  if (number === TYPE) {
    const value = fieldOf(workflow, "is_standalone");
    return value === undefined ? "" : value ? "standalone" : "in front of endpoints";
  }
  if (number === PROFILE) return textOf(fieldOf(workflow, "name"));
  const said = stepAt(number).fields.map((name) => textOf(fieldOf(workflow, name)));
  return said.filter(Boolean).join(" · ");
}

function probesInShort(workflow: Workflow | null): string {
  const probes = probesOf(workflow).map(({ id }) => id);
  const profile = textOf(fieldOf(workflow, "guardrail_profile_id"));
  return [probes.join(", "), profile && `profile ${profile}`].filter(Boolean).join(" · ");
}

function loadInShort(load: unknown): string {
  if (!isObject(load)) return "";
  const said = Object.entries(load).map(
    ([name, value]) => `${name.replaceAll("_", " ")} ${inline(value)}`,
  );
  return said.length > 0 ? said.join(", ") : "as usual";
}

const textOf = (value: unknown): string =>
  Array.isArray(value) ? value.map(textOf).join(", ") : isSaid(value) ? String(value) : "";
