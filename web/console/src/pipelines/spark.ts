/** The last executions of a pipeline as a row of bars, and in words. */

import type { RecentExecution } from "../api/types";
import { stateOfStatus } from "../states";

export interface SparkBar {
  id: string;
  status: string;
  /** Of the full height; those that have not begun are the lowest. */
  height: number;
}

const LOWEST = 0.22;

/** Oldest first. The longest has the full height, and so has what failed: it must not be missed. */
export function barsOf(recent: readonly RecentExecution[]): SparkBar[] {
  const longest = Math.max(...recent.map(({ seconds }) => seconds ?? 0), 1e-9);
  return recent.toReversed().map(({ execution_id, status, seconds }) => ({
    id: execution_id,
    status,
    height: status === "FAILED" ? 1 : LOWEST + (1 - LOWEST) * Math.min(1, (seconds ?? 0) / longest),
  }));
}

/** `18 completed, 2 failed of the last 20`. */
export function inWords(recent: readonly RecentExecution[]): string {
  const counts = new Map<string, number>();
  for (const { status } of recent) counts.set(status, (counts.get(status) ?? 0) + 1);
  const parts = [...counts].map(
    ([status, count]) => `${count} ${stateOfStatus(status).word.toLowerCase()}`,
  );
  return `${parts.join(", ")} of the last ${recent.length}`;
}

export const failedOf = (recent: readonly RecentExecution[]): number =>
  recent.filter(({ status }) => status === "FAILED").length;
