/** What has become of an approval that waits no more. */

import { get } from "../api/client";
import type { StepList } from "../api/types";
import { clock, moment } from "../time";
import type { Waiting } from "./waiting";

/** `approved by ada at 14:02:31`; null where that cannot be known. */
export async function decided(waiting: Waiting): Promise<string | null> {
  if (waiting.within !== null || waiting.item_index !== null) return null;
  const { steps } = await get<StepList>(`/executions/${waiting.execution_id}/steps`);
  const step = steps.find(({ step_id }) => step_id === waiting.step_id);
  const { approved, by, expired } = (step?.outputs ?? {}) as Record<string, unknown>;
  if (!step || typeof approved !== "boolean") return null;
  const whom = expired ? "by time, as nobody answered" : `by ${by ?? "somebody"}`;
  const when = step.end_time ? ` at ${clock(moment(step.end_time))}` : "";
  return `${approved ? "approved" : "rejected"} ${whom}${when}`;
}
