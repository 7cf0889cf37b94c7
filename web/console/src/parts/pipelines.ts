/** The stored pipelines by name: to choose among, and to call them by. */

import { useQuery } from "@tanstack/react-query";
import { read } from "../api/client";

export interface NamedPipeline {
  id: string;
  name: string;
}

/** So many are listed at once; among more one has to search. */
export const MOST = 100;

export function usePipelines(search = "") {
  return useQuery({
    queryKey: ["pipeline names", search],
    queryFn: ({ signal }) => {
      const query = new URLSearchParams({
        include_system: "true",
        include_dag: "false",
        page_size: String(MOST),
      });
      if (search) query.set("q", search);
      return read<NamedPipeline[]>(`/pipelines?${query}`, signal);
    },
    staleTime: 30_000,
  }).data;
}

/** How a pipeline is called; its id as long as its name is not known. */
export function usePipelineName(): (id: string | null) => string {
  const known = usePipelines()?.value ?? [];
  return (id) =>
    id === null ? "its pipeline is gone" : (known.find((one) => one.id === id)?.name ?? id);
}
