/** Answers of earlier workflows: what is likely to be said again is offered, and nothing else. */

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { get } from "../api/client";
import type { GuardrailWorkflowList } from "../api/types";
import { DEPLOY_WORKFLOW, fieldOf, modelsOf, probesOf, type Workflow } from "./workflow";

/** So many workflows are looked at. */
const MOST = 50;

export interface KnownRule {
  id: string;
  name: string | null;
  model: string | null;
}

export interface Suggestions {
  /** Values by the name of the field. */
  values: Readonly<Record<string, readonly string[]>>;
  /** By the id of their probe: rules with a model, for nothing tells of the others. */
  rules: Readonly<Record<string, readonly KnownRule[]>>;
}

const FIELDS = ["provider_type", "provider_id", "project_id", "credential_id", "name"];
const LISTS = ["endpoint_ids", "tags", "guard_types"];

export function suggestionsOf(workflows: readonly Workflow[]): Suggestions {
  const values: Record<string, string[]> = {};
  const rules: Record<string, KnownRule[]> = {};
  const note = (name: string, value: unknown) => {
    if (typeof value !== "string" || value === "") return;
    values[name] ??= [];
    if (!values[name].includes(value)) values[name].push(value);
  };
  for (const workflow of workflows) {
    for (const name of FIELDS) note(name, fieldOf(workflow, name));
    for (const name of LISTS) {
      const found = fieldOf(workflow, name);
      if (Array.isArray(found)) for (const value of found) note(name, value);
    }
    for (const { id } of probesOf(workflow)) note("probes", id);
    note("guardrail_profile_id", fieldOf(workflow, "guardrail_profile_id"));
    note("guardrail_profile_id", fieldOf(workflow, "profile_id"));
    for (const model of modelsOf(workflow) ?? []) {
      rules[model.probe_id] ??= [];
      const known = rules[model.probe_id] as KnownRule[];
      if (known.some(({ id }) => id === model.rule_id)) continue;
      known.push({ id: model.rule_id, name: model.rule_name, model: model.model_uri });
    }
  }
  return { values, rules };
}

export function useSuggestions(workflow: Workflow | null): Suggestions {
  const found = useQuery({
    queryKey: ["guardrail workflows", "earlier"],
    queryFn: ({ signal }) =>
      get<GuardrailWorkflowList>(`${DEPLOY_WORKFLOW}?page_size=${MOST}`, signal),
    staleTime: 60_000,
  });
  const others = found.data?.workflows;
  return useMemo(
    () => suggestionsOf([...(workflow ? [workflow] : []), ...(others ?? [])]),
    [workflow, others],
  );
}
