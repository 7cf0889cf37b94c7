import { isObject } from "../api/json";
/** The steps of a definition, as its page draws them: a block is one of them. */

export interface PlanStep {
  id: string;
  name: string;
  /** The action; of a block how many steps it has. */
  does: string;
  after: string[];
  /** What makes it differ from a step that simply runs: `each`, `if`, `loop`. */
  marks: string[];
  /** As it was written. */
  written: Record<string, unknown>;
}

export function stepsOf(dag: unknown): PlanStep[] {
  if (!isObject(dag) || !Array.isArray(dag.steps)) return [];
  return dag.steps.filter(isObject).map(stepOf);
}

function stepOf(written: Record<string, unknown>): PlanStep {
  const { id, name, action, steps, depends_on: after } = written;
  const inside = Array.isArray(steps) ? steps.length : 0;
  return {
    id: String(id),
    name: String(name ?? id),
    does: inside > 0 ? `block of ${inside} step${inside === 1 ? "" : "s"}` : String(action ?? ""),
    after: (Array.isArray(after) ? after : after == null ? [] : [after]).map(String),
    marks: marksOf(written),
    written,
  };
}

function marksOf(written: Record<string, unknown>): string[] {
  const marks = [
    ["for_each", "for each"],
    ["while", "loop"],
    ["condition", "if"],
    ["retry", "retry"],
    ["catch", "catch"],
    ["compensate", "undo"],
  ];
  return marks.flatMap(([field, mark]) =>
    written[field as string] == null ? [] : [mark as string],
  );
}
