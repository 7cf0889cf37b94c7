/** The columns of a grid as they come in: what has ended is kept as it is, and not asked for again. */

import type { Grid } from "../api/types";
import { isOpen } from "../states";

export type Column = Grid["executions"][number];
export type GridStep = Grid["steps"][number];

export interface Sheet {
  steps: GridStep[];
  columns: Column[];
}

/** New columns that are looked for, beside those that are still open. */
const AHEAD = 5;
export const MOST = 50;

/** How many of the newest have to be asked for, so that nothing open or new is missed. */
export function toAsk({ columns }: Sheet): number {
  const last = columns.findLastIndex(({ status }) => isOpen(status));
  return Math.min(MOST, last + 1 + AHEAD);
}

/** The sheet with what was asked for last; unchanged columns stay the same objects. */
export function merged(known: Sheet, more: Sheet): Sheet {
  const byId = new Map(known.columns.map((column) => [column.execution_id, column]));
  const fresh = new Set(more.columns.map(({ execution_id }) => execution_id));
  const kept = more.columns.map((column) => {
    const before = byId.get(column.execution_id);
    return before && JSON.stringify(before) === JSON.stringify(column) ? before : column;
  });
  const columns = [
    ...kept,
    ...known.columns.filter(({ execution_id }) => !fresh.has(execution_id)),
  ];
  columns.sort((one, other) => (one.created_at < other.created_at ? 1 : -1));
  return { steps: withSteps(more.steps, known.steps), columns };
}

/** All steps: in the order of the first, the others behind the one that they came after. */
export function withSteps(first: readonly GridStep[], others: readonly GridStep[]): GridStep[] {
  const all = [...first];
  others.forEach((step, at) => {
    if (all.some(({ step_id }) => step_id === step.step_id)) return;
    const before = others[at - 1]?.step_id;
    const place = all.findIndex(({ step_id }) => step_id === before);
    all.splice(before === undefined ? 0 : place + 1, 0, step);
  });
  return all;
}
