/** A schedule as a form has it, and as the API takes it. */

import type { Schedule } from "../api/types";
import type { Values } from "../forms/param";
import { numberOf, typedOf } from "../parts/lines";
import type { Body } from "../parts/save";

export interface Form {
  pipeline_id: string;
  name: string;
  description: string;
  type: string;
  expression: string;
  timezone: string;
  run_at: string;
  dst_missing: string;
  dst_doubled: string;
  params: Values;
  overlap: string;
  misfire: string;
  catch_up_seconds: string;
  jitter_seconds: string;
  starts_at: string;
  expires_at: string;
  max_runs: string;
  pause_after_failures: string;
}

export const emptyForm = (zone: string): Form => ({
  pipeline_id: "",
  name: "",
  description: "",
  type: "cron",
  expression: "30 2 * * *",
  timezone: zone,
  run_at: "",
  dst_missing: "",
  dst_doubled: "",
  params: {},
  overlap: "allow",
  misfire: "last",
  catch_up_seconds: "",
  jitter_seconds: "0",
  starts_at: "",
  expires_at: "",
  max_runs: "",
  pause_after_failures: "",
});

export function formOf(schedule: Schedule): Form {
  const { schedule: when, params } = schedule;
  return {
    pipeline_id: schedule.pipeline_id ?? "",
    name: schedule.name,
    description: schedule.description ?? "",
    type: when.type,
    expression: when.expression ?? "",
    timezone: when.timezone,
    // With its offset: without one it would be what the clocks of the zone say.
    run_at: when.run_at ?? "",
    dst_missing: when.dst_missing ?? "",
    dst_doubled: when.dst_doubled ?? "",
    params,
    overlap: schedule.overlap,
    misfire: schedule.misfire,
    catch_up_seconds: typedOf(schedule.catch_up_seconds),
    jitter_seconds: typedOf(schedule.jitter_seconds),
    starts_at: schedule.starts_at ?? "",
    expires_at: schedule.expires_at ?? "",
    max_runs: typedOf(schedule.max_runs),
    pause_after_failures: typedOf(schedule.pause_after_failures),
  };
}

export function bodyOf(form: Form): Body {
  return {
    pipeline_id: form.pipeline_id,
    name: form.name,
    description: form.description || null,
    schedule: whenOf(form),
    params: form.params,
    overlap: form.overlap,
    misfire: form.misfire,
    catch_up_seconds: numberOf(form.catch_up_seconds),
    jitter_seconds: numberOf(form.jitter_seconds) ?? 0,
    starts_at: form.starts_at || null,
    expires_at: form.expires_at || null,
    max_runs: numberOf(form.max_runs),
    pause_after_failures: numberOf(form.pause_after_failures),
  };
}

/** When it is due: also what the preview is asked with. */
export function whenOf(form: Form): Body {
  const { type, timezone } = form;
  const when: Body = { type, timezone };
  if (hasExpression(type)) when.expression = form.expression;
  if (type === "one_time") when.run_at = form.run_at || null;
  if (hasExpression(type) || type === "one_time") {
    when.dst_missing = form.dst_missing || null;
    when.dst_doubled = form.dst_doubled || null;
  }
  return when;
}

export const hasExpression = (type: string): boolean => type === "cron" || type === "interval";

export const EXPRESSIONS: Record<string, string> = {
  cron: "Minute, hour, day of the month, month, day of the week: 0 9 * * MON-FRI. Or @hourly, @daily, @weekly, @monthly.",
  interval: "Counted in real time: @every 1h30m",
};

export const EXAMPLES: Record<string, string> = { cron: "30 2 * * *", interval: "@every 1h30m" };
