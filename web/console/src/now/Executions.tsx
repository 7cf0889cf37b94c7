/** What runs, and what failed last. */

import { useQuery } from "@tanstack/react-query";
import { EXECUTIONS } from "../addresses";
import { get } from "../api/client";
import type { ExecutionList, ListedExecution } from "../api/types";
import { ExecutionProgress } from "../parts/ExecutionTable";
import { Mark } from "../parts/State";
import { Time } from "../parts/Time";
import { Link } from "../router";
import { stateOfExecution } from "../states";
import { Brief } from "./Brief";

const SHOWN = 6;

function useNewest(status: string, every: number) {
  return useQuery({
    queryKey: ["executions", "newest", status],
    queryFn: ({ signal }) =>
      get<ExecutionList>(`/executions?status=${status}&page_size=${SHOWN}`, signal),
    refetchInterval: every,
  });
}

export function Running({ now, every }: { now: number; every: number }) {
  const found = useNewest("RUNNING", every);
  return (
    <Brief
      title="Running"
      all={{ href: `${EXECUTIONS}?status=RUNNING`, word: "All that run" }}
      rows={found.data?.executions}
      of={found}
      none="Nothing runs."
    >
      {(execution) => (
        <Row key={execution.id} execution={execution}>
          <span className="brief-progress">
            <ExecutionProgress execution={execution} />
          </span>
          <span className="brief-when">
            <Time at={execution.start_time ?? execution.created_at} now={now} relative />
          </span>
        </Row>
      )}
    </Brief>
  );
}

export function FailedLast({ now, every }: { now: number; every: number }) {
  const found = useNewest("FAILED", every);
  return (
    <Brief
      title="Failed recently"
      all={{ href: `${EXECUTIONS}?status=FAILED`, word: "All that failed" }}
      rows={found.data?.executions}
      of={found}
      none="Nothing has failed."
    >
      {(execution) => (
        <Row key={execution.id} execution={execution}>
          <span className="brief-when">
            <Time at={execution.end_time ?? execution.created_at} now={now} relative />
          </span>
        </Row>
      )}
    </Brief>
  );
}

function Row({ execution, children }: { execution: ListedExecution; children: React.ReactNode }) {
  const { id, pipeline_definition, error_info } = execution;
  const why = error_info && String(error_info.message ?? error_info.code);
  return (
    <li>
      <Mark state={stateOfExecution(execution)} />
      <span className="brief-name">
        <Link className="row-link" href={`${EXECUTIONS}/${id}`}>
          {pipeline_definition.pipeline_name || "(without a name)"}
        </Link>
        {why ? (
          <span className="sub failure" title={why}>
            {why}
          </span>
        ) : (
          <span className="sub id">
            {id.slice(0, 8)}…{id.slice(-4)}
          </span>
        )}
      </span>
      {children}
    </li>
  );
}
