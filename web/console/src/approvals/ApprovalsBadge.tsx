/** How many approvals wait for an answer of whoever looks; nothing if none does. */

import { useQuery } from "@tanstack/react-query";
import { get } from "../api/client";
import type { ApprovalList } from "../api/types";
import { useMay } from "../parts/rights";

/** Milliseconds between two looks, on every page. */
const EVERY = 20_000;

export function ApprovalsBadge() {
  const may = useMay();
  const { data: count } = useQuery({
    queryKey: ["parked", "asked count"],
    queryFn: async ({ signal }) =>
      (await get<ApprovalList>("/approvals?page_size=1", signal)).pagination.total_count,
    enabled: may("executions:read"),
    refetchInterval: EVERY,
  });
  if (!count) return null;
  const words = count === 1 ? "1 approval waits" : `${count} approvals wait`;
  return (
    <span className="badge" title={words}>
      <span aria-hidden="true">{count > 99 ? "99+" : count}</span>
      <span className="unseen">{words}</span>
    </span>
  );
}
