/** The list of workflows: what its address chooses, and what is pathWith for. */

import { pageOf, pathWith, wordOf } from "../parts/address";
import { STEPS, stepAt } from "./stepList";
import { DEPLOY_WORKFLOW, isOver, newestRun, type Workflow } from "./workflow";

export const PAGE_SIZE = 20;

const WORDS = {
  in_progress: "In progress",
  completed: "Completed",
  failed: "Failed",
  cancelled: "Cancelled",
} as const;
export type Status = keyof typeof WORDS;
const STATUSES = Object.keys(WORDS) as Status[];

export const TABS = [
  { value: null, word: "All" },
  ...STATUSES.map((value) => ({ value, word: WORDS[value] })),
];

export interface Filters {
  status: Status | null;
  page: number;
}

export const filtersOf = (query: URLSearchParams): Filters => ({
  status: wordOf(query, "status", STATUSES),
  page: pageOf(query),
});

export const requestOf = ({ status, page }: Filters): string =>
  pathWith(DEPLOY_WORKFLOW, { status, page, page_size: PAGE_SIZE });

/** Where a workflow is: the step that is next or runs, or what it has come to. */
export function placeOf(workflow: Workflow): string {
  if (workflow.phase === "completed") return "all twelve steps";
  const number = workflow.next_step ?? newestRun(workflow)?.step_number ?? workflow.current_step;
  const at = isOver(workflow) ? workflow.current_step : number;
  return `${at} of ${STEPS.length} · ${stepAt(at).word}`;
}
