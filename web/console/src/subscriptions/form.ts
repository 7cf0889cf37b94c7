/** A subscription as a form has it, and as the API takes it. */

import type { Subscription } from "../api/types";
import { linesOf, numberOf, typedOf } from "../parts/lines";
import type { Body } from "../parts/save";

export type Reach = "owner" | "pipeline" | "execution";

export interface Form {
  name: string;
  reach: Reach;
  pipeline_id: string;
  execution_id: string;
  /** `all`, `some` (*event_types*), or `named`: only what names it. */
  events: string;
  event_types: string;
  target: string;
  address: string;
  max_length: string;
  format: string;
  expires_at: string;
}

export const EMPTY: Form = {
  name: "",
  reach: "owner",
  pipeline_id: "",
  execution_id: "",
  events: "all",
  event_types: "workflow_completed\nworkflow_failed",
  target: "http",
  address: "",
  max_length: "",
  format: "event",
  expires_at: "",
};

/** What each kind of target calls its address. */
export const ADDRESS: Record<string, string> = {
  http: "url",
  redis_channel: "channel",
  redis_stream: "stream",
  dapr: "topic",
};

export function formOf(subscription: Subscription): Form {
  const { target, event_types } = subscription;
  const address = target[(ADDRESS[target.type] ?? "url") as "url" | "channel" | "stream" | "topic"];
  return {
    name: subscription.name ?? "",
    reach: subscription.reach as Reach,
    pipeline_id: subscription.pipeline_id ?? "",
    execution_id: subscription.execution_id ?? "",
    events: event_types === null ? "all" : event_types.length === 0 ? "named" : "some",
    event_types: (event_types ?? []).join("\n"),
    target: target.type,
    address: address ?? "",
    max_length: typedOf(target.max_length),
    format: subscription.format,
    expires_at: subscription.expires_at ?? "",
  };
}

/** What may be another one later. */
export function bodyOf(form: Form): Body {
  const length = form.target === "redis_stream" ? numberOf(form.max_length) : null;
  return {
    name: form.name || null,
    event_types: eventTypes(form),
    target: {
      type: form.target,
      [ADDRESS[form.target] ?? "url"]: form.address,
      ...(length === null ? {} : { max_length: length }),
    },
    format: form.format,
    expires_at: form.expires_at || null,
  };
}

/** With what it is of, which is said once. */
export function newBodyOf(form: Form): Body {
  const of =
    form.reach === "pipeline"
      ? { pipeline_id: form.pipeline_id }
      : form.reach === "execution"
        ? { execution_id: form.execution_id }
        : {};
  return { ...bodyOf(form), ...of };
}

function eventTypes({ events, event_types }: Form): string[] | null {
  if (events === "all") return null;
  return events === "named" ? [] : linesOf(event_types);
}
