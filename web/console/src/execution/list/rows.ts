/** The steps of an execution as a list: each behind what it comes after. */

import type { DefinedStep, Step } from "../../api/types";
import { inOrder } from "../../graph/order";

export interface Row {
  /** Its place in the whole list, from 1. */
  number: number;
  step: Step;
  /** The names of what it comes after. */
  after: string[];
}

export const nameOf = (step: Step): string => step.step_name || step.step_id;

export function rowsOf(steps: readonly Step[], defined: readonly DefinedStep[]): Row[] {
  const waits = new Map(defined.map((step) => [step.id, step.depends_on ?? []]));
  const names = new Map(steps.map((step) => [step.step_id, nameOf(step)]));
  const afterOf = ({ step_id }: Step) => waits.get(step_id) ?? [];
  const ordered = inOrder(steps, ({ step_id }) => step_id, afterOf);
  return ordered.map((step, index) => ({
    number: index + 1,
    step,
    after: afterOf(step).map((id) => names.get(id) ?? id),
  }));
}
