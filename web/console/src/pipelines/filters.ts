/** What the list of pipelines shows is what its address says. */

export const PAGE_SIZE = 50;
/** Executions of each that are drawn. */
const RECENT = 20;

export const STATUSES = ["ACTIVE", "DRAFT", "ARCHIVED"] as const;
export type PipelineStatus = (typeof STATUSES)[number];

export interface Filters {
  q: string;
  status: PipelineStatus | null;
  page: number;
}

/** Read the query; what makes no sense counts as not there. */
export function filtersOf(query: URLSearchParams): Filters {
  const status = query.get("status")?.toUpperCase();
  const page = Number(query.get("page"));
  return {
    q: query.get("q") ?? "",
    status: STATUSES.find((one) => one === status) ?? null,
    page: Number.isInteger(page) && page > 0 ? page : 1,
  };
}

/** The same, as the API is asked. */
export function requestOf({ q, status, page }: Filters): string {
  const query = new URLSearchParams({
    include_system: "true",
    include_dag: "false",
    recent: String(RECENT),
    page: String(page),
    page_size: String(PAGE_SIZE),
  });
  if (q) query.set("q", q);
  if (status) query.set("status", status);
  return `/pipelines?${query}`;
}
