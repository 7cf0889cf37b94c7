import { keepPreviousData, type QueryKey, useQuery } from "@tanstack/react-query";

/** Milliseconds between two looks at what seldom changes by itself. */
const EVERY = 5_000;

/** What is asked again while somebody looks; what is shown stays until the next page is there. */
export function usePolled<Answer>(
  queryKey: QueryKey,
  ask: (signal: AbortSignal) => Promise<Answer>,
  every: number | ((known: Answer | undefined) => number) = EVERY,
) {
  return useQuery({
    queryKey,
    queryFn: ({ signal }) => ask(signal),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (typeof every === "number" ? every : every(state.data)),
  });
}
