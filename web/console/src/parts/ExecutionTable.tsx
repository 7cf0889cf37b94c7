import { EXECUTIONS } from "../addresses";
import type { ListedExecution } from "../api/types";
import { isOpen, stateOfExecution } from "../states";
import { duration, moment } from "../time";
import { Bar, type Share } from "./Bar";
import { type Column, DataTable } from "./DataTable";
import { Chip } from "./State";
import { Time } from "./Time";
import "./executionTable.css";

interface Props {
  executions: ListedExecution[];
  now: number;
  /** Which are chosen; null where nothing can be done with them. */
  chosen: ReadonlySet<string> | null;
  choose: (id: string) => void;
}

export function ExecutionTable({ executions, now, chosen, choose }: Props) {
  const columns: Column<ListedExecution>[] = [
    ...(chosen ? [choice(chosen, choose)] : []),
    { head: "State", width: "140px", cell: (one) => <Chip state={stateOfExecution(one)} /> },
    { head: "Pipeline", names: true, cell: (one) => <Name execution={one} /> },
    { head: "Progress", width: "170px", cell: (one) => <ExecutionProgress execution={one} /> },
    {
      head: "Started",
      width: "116px",
      cell: (one) => (
        <span className="muted">
          <Time at={one.start_time ?? one.created_at} now={now} relative />
        </span>
      ),
    },
    { head: "Duration", width: "116px", number: true, cell: (one) => durationOf(one, now) },
    { head: "Initiator", width: "180px", cell: (one) => <Initiator execution={one} /> },
  ];
  return (
    <DataTable
      label="Executions, the newest first"
      columns={columns}
      rows={executions}
      keyOf={({ id }) => id}
      hrefOf={({ id }) => `${EXECUTIONS}/${id}`}
    />
  );
}

const choice = (
  chosen: ReadonlySet<string>,
  choose: (id: string) => void,
): Column<ListedExecution> => ({
  head: "✓",
  width: "44px",
  cell: ({ id, status, pipeline_definition }) =>
    isOpen(status) && (
      <input
        type="checkbox"
        className="execution-choice"
        aria-label={`Choose ${pipeline_definition.pipeline_name || id}`}
        checked={chosen.has(id)}
        onChange={() => choose(id)}
      />
    ),
});

function Name({ execution }: { execution: ListedExecution }) {
  const { id, pipeline_id, pipeline_definition, error_info, revision } = execution;
  const message = error_info && String(error_info.message ?? error_info.code);
  return (
    <>
      {pipeline_definition.pipeline_name || "(without a name)"}
      {message ? (
        <span className="sub failure" title={message}>
          {message}
        </span>
      ) : (
        <span className="sub id">
          {id.slice(0, 8)}…{id.slice(-4)}
          {pipeline_id === null ? " · sent along, not stored" : ` · revision ${revision}`}
          {execution.parent_execution_id && " · started by another"}
        </span>
      )}
    </>
  );
}

/** How far one came that did not end well is counted on its page only. */
export function ExecutionProgress({ execution }: { execution: ListedExecution }) {
  if (!isOpen(execution.status) && execution.status !== "COMPLETED") {
    return <span className="muted">–</span>;
  }
  const percent = Number(execution.progress_percentage);
  const { look, word } = stateOfExecution(execution);
  const shares: Share[] = [
    { look: look, share: percent },
    { look: "skipped", share: 100 - percent },
  ];
  return (
    <span className="execution-progress">
      <Bar shares={shares} label={`${word}, ${Math.floor(percent)} %`} />
      {Math.floor(percent)} %
    </span>
  );
}

function Initiator({ execution }: { execution: ListedExecution }) {
  const { initiator, started_by, user_id } = execution;
  return (
    <span title={started_by ?? undefined}>
      {initiator}
      {user_id && <span className="muted"> for {user_id}</span>}
    </span>
  );
}

function durationOf({ start_time, end_time }: ListedExecution, now: number): string {
  if (start_time === null) return "–";
  return duration((end_time === null ? now : moment(end_time)) - moment(start_time));
}
