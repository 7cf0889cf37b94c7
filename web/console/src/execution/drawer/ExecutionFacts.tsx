import { useQuery } from "@tanstack/react-query";
import { EXECUTIONS } from "../../addresses";
import { get } from "../../api/client";
import type { Execution, ExecutionList, Explanation } from "../../api/types";
import { Facts } from "../../parts/Facts";
import { Chip } from "../../parts/State";
import { Time } from "../../parts/Time";
import { Link } from "../../router";
import { isOpen, stateOfExecution } from "../../states";

import { Why } from "./Why";

interface Props {
  execution: Execution;
  explanation: Explanation | undefined;
  now: number;
}

export function ExecutionFacts({ execution, explanation, now }: Props) {
  const at = (value: string | null) => value && <Time at={value} now={now} />;
  const open = isOpen(execution.status);
  return (
    <>
      {open && <Why findings={explanation?.findings} of="execution" />}
      <Facts
        facts={[
          [
            "Id",
            <span className="id" key="id">
              {execution.id}
            </span>,
          ],
          ["Created", at(execution.created_at)],
          ["Started", at(execution.start_time)],
          ["Ended", at(execution.end_time)],
          ["Until", execution.deadline_at && open ? at(execution.deadline_at) : null],
          ["Cancel asked", at(execution.cancel_requested_at)],
          ["Started by", execution.started_by],
          ["Runs for", execution.user_id],
        ]}
      />
      <Children execution={execution} />
    </>
  );
}

const MOST = 50;

/** What its steps have started. */
function Children({ execution }: { execution: Execution }) {
  const { id, root_execution_id } = execution;
  const { data } = useQuery({
    queryKey: ["tree", id],
    queryFn: ({ signal }) =>
      get<ExecutionList>(`/executions?root=${root_execution_id}&page_size=${MOST}`, signal),
    refetchInterval: isOpen(execution.status) ? 10_000 : false,
  });
  const children = data?.executions.filter((one) => one.parent_execution_id === id) ?? [];
  if (children.length === 0) return null;
  return (
    <section className="children">
      <h3>Started by its steps</h3>
      <ul>
        {children.map((child) => (
          <li key={child.id}>
            <Link href={`${EXECUTIONS}/${child.id}`}>
              <Chip state={stateOfExecution(child)} />
              <span className="name">{child.pipeline_definition.pipeline_name || child.id}</span>
            </Link>
          </li>
        ))}
      </ul>
      {(data?.pagination.total_count ?? 0) > MOST && (
        <p className="muted">Of the newest {MOST} executions of the tree.</p>
      )}
    </section>
  );
}
