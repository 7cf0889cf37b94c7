/** Steps by what somebody types: their names, ids, actions, states, and what stands in their params. */

import type { DefinedStep, Step } from "../../api/types";
import { stateOfStep } from "../../states";

/** The rows that have all the words; null if nothing is sought. */
export function found(sought: string, steps: Step[], defined: DefinedStep[]): Set<string> | null {
  const words = sought.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return null;
  const params = new Map(defined.map((step) => [step.id, JSON.stringify(step.params ?? "")]));
  const hits = steps.filter((step) => {
    const { step_name, step_id, handler_type } = step;
    const said = [step_name, step_id, handler_type, stateOfStep(step).word, params.get(step_id)];
    const text = said.join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return new Set(hits.map((step) => step.id));
}
