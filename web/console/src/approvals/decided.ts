/** What has become of an approval that waits no more. */

import { get } from "../api/client";
import type { OneStep } from "../api/types";
import { clock, moment } from "../time";
import type { Waiting } from "./waiting";

/** `approved by ada at 14:02:31`; null where that cannot be known. */
export async function decided(waiting: Waiting): Promise<string | null> {
  if (!waiting.isReadable) return null;
  const { execution_id, step_execution_id } = waiting;
  const step = await get<OneStep>(`/executions/${execution_id}/steps/${step_execution_id}`);
  return inWords(step);
}

/** The same of a step, an item or what is within a block. */
export function inWords(step: Pick<OneStep, "outputs" | "end_time">): string | null {
  const { approved, by, expired } = (step.outputs ?? {}) as Record<string, unknown>;
  if (typeof approved !== "boolean") return null;
  const whom = expired ? "by time, as nobody answered" : `by ${by ?? "somebody"}`;
  const when = step.end_time ? ` at ${clock(moment(step.end_time))}` : "";
  return `${approved ? "approved" : "rejected"} ${whom}${when}`;
}
