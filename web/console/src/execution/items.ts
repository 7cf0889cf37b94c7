import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import { get } from "../api/client";
import type { Step, StepList } from "../api/types";

export const ITEMS_PER_PAGE = 100;
/** Beyond so many items the Gantt and the node show their counts only. */
export const DRAWN = ITEMS_PER_PAGE;

function pageOf(step: Step, page: number) {
  const { execution_id, id, inside } = step;
  const within = inside ? `&within=${encodeURIComponent(inside)}` : "";
  return {
    // Under the execution's key: what makes that stale makes these stale, too.
    queryKey: ["execution", execution_id, "below", id, inside, page],
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      get<StepList>(
        `/executions/${execution_id}/steps?parent=${id}${within}&page=${page}&page_size=${ITEMS_PER_PAGE}&include_outputs=false`,
        signal,
      ),
  };
}

/** The items, or the steps of a block, page by page. */
export function useItems(step: Step, page: number) {
  return useQuery({ ...pageOf(step, page), placeholderData: keepPreviousData });
}

/** The items of all fan-outs that are small enough to be drawn, by the row of their step. */
export function useDrawnItems(steps: Step[]): Map<string, Step[]> {
  const drawn = steps.filter(
    (step) => step.items && step.items.total > 0 && step.items.total <= DRAWN,
  );
  return useQueries({
    queries: drawn.map((step) => pageOf(step, 1)),
    combine: (answers) =>
      new Map(drawn.map((step, at) => [step.id, answers[at]?.data?.steps ?? []])),
  });
}

export const itemName = (item: Step): string =>
  item.kind === "item"
    ? item.item_key || `item ${item.item_index}`
    : item.step_name || item.step_id;
