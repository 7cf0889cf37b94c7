import type { Step } from "../../api/types";
import { isOpen } from "../../states";

/** Whether the execution has gone along this way, goes along it, or has not come there. */
export function courseOf(from: Step | undefined, to: Step | undefined): "gone" | "goes" | "" {
  if (from?.status === "COMPLETED" && to && !skippedOrWaiting(to)) return "gone";
  return from?.status === "RUNNING" || from?.status === "RETRYING" ? "goes" : "";
}

const skippedOrWaiting = (step: Step) =>
  step.status === "SKIPPED" || (isOpen(step.status) && step.start_time === null);
