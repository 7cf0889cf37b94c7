/** Answers that do not come: since when, and what is asked again once something answers. */

import {
  notifyManager,
  type Query,
  type QueryCache,
  type QueryClient,
  useQueryClient,
} from "@tanstack/react-query";
import { useCallback, useSyncExternalStore } from "react";
import { Problem } from "../api/client";

/** Nobody there, a proxy that finds nobody, a server without its database, or one asked too often. */
const AWAY: readonly number[] = [0, 429, 502, 503, 504];

export const isAway = (error: unknown): boolean =>
  error instanceof Problem && AWAY.includes(error.status);

const isMissed = (query: Query): boolean => query.isActive() && isAway(query.state.error);

/** Since when the oldest of what is shown could not be refreshed (ms); null while all of it is. */
export function awaySince(cache: QueryCache): number | null {
  const shown = cache.getAll().filter((query) => isMissed(query) && query.state.dataUpdatedAt > 0);
  if (shown.length === 0) return null;
  return Math.min(...shown.map((query) => query.state.dataUpdatedAt));
}

export function useAwaySince(): number | null {
  const cache = useQueryClient().getQueryCache();
  const subscribe = useCallback(
    (listener: () => void) => cache.subscribe(notifyManager.batchCalls(listener)),
    [cache],
  );
  return useSyncExternalStore(subscribe, () => awaySince(cache));
}

/** Whatever is asked for only once is asked for again: by then somebody answers. */
export function askAgain(client: QueryClient): void {
  if (!client.getQueryCache().getAll().some(isMissed)) return;
  void client.refetchQueries({ predicate: isMissed }, { cancelRefetch: false });
}
