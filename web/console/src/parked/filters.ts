/** Which of the parked steps the page lists, as its address says. */

import { pageOf, pathWith, pipelineOf, wordOf } from "../parts/address";
import type { IconName, State } from "../states";

export const PAGE_SIZE = 50;

const KINDS = ["approval", "event", "callback", "execution", "timer"] as const;
export type Kind = (typeof KINDS)[number];

const WORDS: Record<Kind, [many: string, one: string, icon: IconName]> = {
  approval: ["Approvals", "An approval", "check"],
  event: ["Events", "An event", "dot"],
  callback: ["Callbacks", "A callback", "retry"],
  execution: ["Executions", "An execution", "play"],
  timer: ["Clock", "The clock", "clock"],
};

export const TABS = [
  { value: null, word: "All" },
  ...KINDS.map((value) => ({ value, word: WORDS[value][0] })),
];

export function stateOfKind(kind: string): State {
  const [, word, icon] = WORDS[kind as Kind] ?? ["", kind, "pause"];
  return { word, look: "parked", icon };
}

export interface Filters {
  kind: Kind | null;
  pipeline: string | null;
  page: number;
}

export function filtersOf(query: URLSearchParams): Filters {
  return { kind: wordOf(query, "kind", KINDS), pipeline: pipelineOf(query), page: pageOf(query) };
}

/** Those that ask one in executions of others are in the list of approvals alone. */
export const asksForApprovals = ({ kind, pipeline }: Filters): boolean =>
  kind === "approval" && pipeline === null;

export const requestOf = (filters: Filters): string =>
  asksForApprovals(filters)
    ? pathWith("/approvals", { page: filters.page, page_size: PAGE_SIZE })
    : pathWith("/parked", {
        page: filters.page,
        page_size: PAGE_SIZE,
        kind: filters.kind,
        pipeline_id: filters.pipeline,
      });
