import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import { get } from "../api/client";
import type { OneStep, Step, StepList } from "../api/types";
import { PARKED } from "../parts/itemCounts";

const ITEMS_PER_PAGE = 100;
/** Beyond so many items the Gantt shows their sum only. */
const DRAWN = ITEMS_PER_PAGE;

/** Which items: by what is written, and by their state. */
export interface Sought {
  /** A part of the label, or `#` and the index. */
  text: string;
  state: string | null;
}

const ALL: Sought = { text: "", state: null };

function pageOf(step: Step, page: number, sought: Sought = ALL) {
  const { execution_id, id, inside } = step;
  const query = new URLSearchParams({
    parent: id,
    page: String(page),
    page_size: String(ITEMS_PER_PAGE),
    include_outputs: "false",
    ...(inside ? { within: inside } : {}),
    ...queryOf(sought),
  });
  return {
    // Under the execution's key: what makes that stale makes these stale, too.
    queryKey: ["execution", execution_id, "below", query.toString()],
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      get<StepList>(`/executions/${execution_id}/steps?${query}`, signal),
  };
}

/** What the server is queryOf for. */
export function queryOf({ text, state }: Sought): Record<string, string> {
  const index = /^#(\d+)$/.exec(text.trim())?.[1];
  return {
    ...(index ? { index } : text.trim() ? { q: text.trim() } : {}),
    ...(state === PARKED ? { parked: "true" } : state ? { status: state } : {}),
    // What is parked has a state of its own here.
    ...(state === "RUNNING" ? { parked: "false" } : {}),
  };
}

/** How many there are, and those of the pages that are near what is seen. */
export function useItems(step: Step, sought: Sought, from: number, to: number) {
  const first = useQuery({ ...pageOf(step, 1, sought), placeholderData: keepPreviousData });
  const total = first.data?.pagination.total_count ?? 0;
  const [begin, end] = [Math.floor(from / ITEMS_PER_PAGE), Math.ceil(to / ITEMS_PER_PAGE)];
  const pages = Array.from({ length: Math.max(0, end - begin) }, (_, at) => begin + at + 1);
  const found = useQueries({ queries: pages.map((page) => pageOf(step, page, sought)) });
  const at = (index: number): Step | undefined => {
    const page = Math.floor(index / ITEMS_PER_PAGE);
    const list = page === 0 ? first.data : found[page - begin]?.data;
    return list?.steps[index % ITEMS_PER_PAGE];
  };
  return { first, total, at };
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

/** One row with all that is known of it: params, outputs, attempts, and what it waits for. */
export function useRow(execution: string, id: string | null) {
  return useQuery({
    queryKey: ["execution", execution, "row", id],
    queryFn: ({ signal }) => get<OneStep>(`/executions/${execution}/steps/${id}`, signal),
    enabled: id !== null,
  });
}

export const itemName = (item: Step): string =>
  item.kind === "item"
    ? item.item_key || `item ${item.item_index}`
    : item.step_name || item.step_id;
