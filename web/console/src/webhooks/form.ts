/** A webhook as a form has it, and as the API takes it. */

import type { Webhook } from "../api/types";
import type { Values } from "../forms/param";
import { linesOf, numberOf, objectOf, textOf, typedOf } from "../parts/lines";
import type { Body } from "../parts/save";
import { FORMS } from "./states";

export interface Form {
  pipeline_id: string;
  name: string;
  description: string;
  params: Values;
  require_secret: boolean;
  /** A secret that the sender has already; "" lets the engine make one. */
  secret: string;
  accepts: readonly string[];
  allowed_ips: string;
  headers_to_include: string;
  map: string;
  dedupe_key: string;
  repeat_seconds: string;
  max_per_minute: string;
}

export const EMPTY: Form = {
  pipeline_id: "",
  name: "",
  description: "",
  params: {},
  require_secret: true,
  secret: "",
  accepts: FORMS.map(([form]) => form),
  allowed_ips: "",
  headers_to_include: "",
  map: "",
  dedupe_key: "",
  repeat_seconds: "",
  max_per_minute: "",
};

export function formOf({ config, ...webhook }: Webhook): Form {
  return {
    pipeline_id: webhook.pipeline_id ?? "",
    name: webhook.name,
    description: webhook.description ?? "",
    params: webhook.params,
    require_secret: config.require_secret,
    secret: "",
    accepts: config.accepts,
    allowed_ips: (config.allowed_ips ?? []).join("\n"),
    headers_to_include: config.headers_to_include.join("\n"),
    map: textOf(config.map),
    dedupe_key: config.dedupe_key ?? "",
    repeat_seconds: typedOf(config.repeat_seconds),
    max_per_minute: typedOf(config.max_per_minute),
  };
}

export function bodyOf(form: Form): Body {
  const ips = linesOf(form.allowed_ips);
  const map = objectOf(form.map);
  return {
    pipeline_id: form.pipeline_id,
    name: form.name,
    description: form.description || null,
    params: form.params,
    config: {
      require_secret: form.require_secret,
      accepts: form.accepts,
      allowed_ips: ips.length > 0 ? ips : null,
      headers_to_include: linesOf(form.headers_to_include),
      map: "value" in map ? map.value : null,
      dedupe_key: form.dedupe_key || null,
      repeat_seconds: numberOf(form.repeat_seconds),
      max_per_minute: numberOf(form.max_per_minute),
    },
  };
}

/** Why the map cannot be sent; null if it can. */
export function mapProblem({ map }: Form): string | null {
  const read = objectOf(map);
  return "problem" in read ? read.problem : null;
}
