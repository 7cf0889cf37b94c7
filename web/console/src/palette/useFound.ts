/** Asks for what fits: of pages and actions here, of pipelines and executions the server. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { get } from "../api/client";
import type { ExecutionList } from "../api/types";
import { pathWith } from "../parts/address";
import { useMay } from "../parts/rights";
import { useActions } from "../parts/useActions";
import { actions, execution, type Group, pages, pipeline } from "./entries";

const MOST = 6;
/** Milliseconds after the last key before the server is pathWith. */
const PAUSE = 150;

export function useFound(text: string): { groups: Group[]; isAsking: boolean } {
  const words = text.trim();
  const asking = useSettled(words);
  const may = useMay();
  const catalogue = useActions(words !== "" && may("actions:read"));
  const pipelines = useQuery({
    queryKey: ["pipelines", "palette", asking],
    queryFn: ({ signal }) =>
      get<{ id: string; name: string }[]>(
        pathWith("/pipelines", {
          q: asking,
          page_size: MOST,
          include_dag: "false",
          include_system: "true",
        }),
        signal,
      ),
    enabled: asking !== "" && may("pipelines:read"),
    placeholderData: keepPreviousData,
  });
  const executions = useQuery({
    queryKey: ["executions", "palette", asking],
    queryFn: ({ signal }) =>
      get<ExecutionList>(pathWith("/executions", { q: asking || null, page_size: MOST }), signal),
    enabled: may("executions:read"),
    placeholderData: keepPreviousData,
  });
  const groups = [
    { name: "Pages", entries: pages(words) },
    { name: "Pipelines", entries: words ? (pipelines.data ?? []).map(pipeline) : [] },
    {
      name: words ? "Executions" : "Newest executions",
      entries: (executions.data?.executions ?? []).map(execution),
    },
    { name: "Actions", entries: words ? actions(catalogue.data?.actions ?? [], words, MOST) : [] },
  ].filter(({ entries }) => entries.length > 0);
  const isAsking = words !== asking || pipelines.isFetching || executions.isFetching;
  return { groups, isAsking };
}

/** *words* as they were when somebody paused. */
function useSettled(words: string): string {
  const [settled, settle] = useState(words);
  useEffect(() => {
    const timer = setTimeout(() => settle(words), PAUSE);
    return () => clearTimeout(timer);
  }, [words]);
  return settled;
}
