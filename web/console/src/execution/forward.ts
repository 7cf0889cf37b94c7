/** What is known goes forward only: an answer that was overtaken on its way changes nothing back. */

import type { Progress, Step } from "../api/types";

/** *next*, but with what *known* has of a later version. */
export function forward(known: Progress | undefined, next: Progress): Progress {
  if (!known || known.execution.id !== next.execution.id) return next;
  const before = new Map(known.steps.map((step) => [step.id, step]));
  const late = known.execution.version > next.execution.version;
  return {
    ...next,
    execution: late ? known.execution : next.execution,
    aggregated_progress: late ? known.aggregated_progress : next.aggregated_progress,
    steps: next.steps.map((step) => later(before.get(step.id), step)),
  };
}

const later = (known: Step | undefined, next: Step): Step =>
  known && known.version > next.version ? known : next;
