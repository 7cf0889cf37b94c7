import { useQuery } from "@tanstack/react-query";
import { get } from "../api/client";
import type { ActionCatalogue } from "../api/types";

/** All actions. They change with an installation; who stores one sees it in a minute. */
export function useActions(enabled = true) {
  return useQuery({
    queryKey: ["actions"],
    queryFn: ({ signal }) => get<ActionCatalogue>("/actions", signal),
    staleTime: 60_000,
    enabled,
  });
}
