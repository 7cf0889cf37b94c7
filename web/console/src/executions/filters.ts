/** What the list shows is what its address says: it can be kept, sent on, and gone back to. */

import { EXECUTION_STATUSES } from "../states";

export const PAGE_SIZE = 50;

export interface Filters {
  status: string | null;
  pipeline: string | null;
  page: number;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Read the query; what makes no sense counts as not there. */
export function filtersOf(query: URLSearchParams): Filters {
  const status = query.get("status")?.toUpperCase() ?? "";
  const pipeline = query.get("pipeline") ?? "";
  const page = Number(query.get("page"));
  return {
    status: EXECUTION_STATUSES.includes(status) ? status : null,
    pipeline: UUID.test(pipeline) ? pipeline : null,
    page: Number.isInteger(page) && page > 0 ? page : 1,
  };
}

/** The same, as the API is asked. */
export function requestOf({ status, pipeline, page }: Filters): string {
  const query = new URLSearchParams({ page: String(page), page_size: String(PAGE_SIZE) });
  if (status) query.set("status", status);
  if (pipeline) query.set("pipeline_id", pipeline);
  return `/executions?${query}`;
}
