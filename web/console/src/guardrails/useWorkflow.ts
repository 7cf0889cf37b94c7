/** A workflow as it is and as it goes on: asked often while a pipeline runs, and only while somebody looks. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { get } from "../api/client";
import { forward, isRunning, type Progress, type Workflow } from "./workflow";

/** Milliseconds between two looks: while a pipeline runs, and while nothing does. */
const LIVE = 1_000;
const QUIET = 5_000;

export const keyOf = (id: string) => ["guardrail workflow", id] as const;

export function useWorkflow(id: string) {
  const client = useQueryClient();
  return useQuery({
    queryKey: keyOf(id),
    queryFn: async ({ signal }) => {
      const path = `/guardrails/deployment/${encodeURIComponent(id)}/progress`;
      const next = await get<Progress>(`${path}?detail=steps&include_outputs=false`, signal);
      return forward(client.getQueryData(keyOf(id)), next);
    },
    refetchInterval: ({ state }) => (state.data && isRunning(state.data.workflow) ? LIVE : QUIET),
  });
}

/** What an answer says of a workflow counts at once; its progress comes with the next look. */
export function useHeard(): (workflow: Workflow) => void {
  const client = useQueryClient();
  return (workflow) => {
    const key = keyOf(workflow.workflow_id);
    client.setQueryData<Progress>(key, (before) => {
      const same = before?.run && before.run.execution_id === workflow.runs.at(-1)?.execution_id;
      return {
        workflow,
        run: workflow.runs.at(-1) ?? null,
        progress: same ? (before?.progress ?? null) : null,
      };
    });
    void client.invalidateQueries({ queryKey: key });
    void client.invalidateQueries({ queryKey: ["guardrail workflows"] });
  };
}
