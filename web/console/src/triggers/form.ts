/** An event trigger as a form has it, and as the API takes it. */

import type { EventTrigger } from "../api/types";
import type { Values } from "../forms/param";
import { numberOf, objectOf, textOf, typedOf } from "../parts/lines";
import type { Body } from "../parts/save";

export interface Form {
  pipeline_id: string;
  name: string;
  description: string;
  event_type: string;
  filters: string;
  condition: string;
  dedupe_key: string;
  dedupe_seconds: string;
  quiet_seconds: string;
  max_wait_seconds: string;
  params: Values;
}

export const EMPTY: Form = {
  pipeline_id: "",
  name: "",
  description: "",
  event_type: "",
  filters: "",
  condition: "",
  dedupe_key: "",
  dedupe_seconds: "",
  quiet_seconds: "",
  max_wait_seconds: "",
  params: {},
};

export function formOf({ config, ...trigger }: EventTrigger): Form {
  return {
    pipeline_id: trigger.pipeline_id ?? "",
    name: trigger.name,
    description: trigger.description ?? "",
    event_type: config.event_type,
    filters: textOf(config.filters),
    condition: config.condition ?? "",
    dedupe_key: config.dedupe_key ?? "",
    dedupe_seconds: typedOf(config.dedupe_seconds),
    quiet_seconds: typedOf(config.quiet_seconds),
    max_wait_seconds: typedOf(config.max_wait_seconds),
    params: trigger.params,
  };
}

export function bodyOf(form: Form): Body {
  const filters = objectOf(form.filters);
  return {
    pipeline_id: form.pipeline_id,
    name: form.name,
    description: form.description || null,
    config: {
      event_type: form.event_type,
      filters: ("value" in filters && filters.value) || {},
      condition: form.condition || null,
      dedupe_key: form.dedupe_key || null,
      dedupe_seconds: numberOf(form.dedupe_seconds),
      quiet_seconds: numberOf(form.quiet_seconds),
      max_wait_seconds: numberOf(form.max_wait_seconds),
    },
    params: form.params,
  };
}

/** Why the filters cannot be sent; null if they can. */
export function filtersProblem({ filters }: Form): string | null {
  const read = objectOf(filters);
  return "problem" in read ? read.problem : null;
}
