/** Figures of clusters, in words. */

import type { Limit } from "../forms/param";
import type { Cluster } from "./workflow";

/** `41.3 GB`; three digits are enough to choose by. */
export function gigabytes(value: Limit | null | undefined): string {
  if (value === null || value === undefined) return "an unknown part";
  const number = Number(value);
  return `${number.toFixed(Math.abs(number) < 100 ? 1 : 0)} GB`;
}

/** How much of what is free would be taken, in percent. */
export function shareOf({ required_memory_gb, available_memory_gb }: Cluster): number {
  const [needed, free] = [Number(required_memory_gb ?? 0), Number(available_memory_gb ?? 0)];
  if (free <= 0) return needed > 0 ? 100 : 0;
  return Math.min(100, Math.max(0, (100 * needed) / free));
}
