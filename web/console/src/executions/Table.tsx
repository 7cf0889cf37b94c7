import type { ListedExecution } from "../api/types";
import { Bar, type Share } from "../parts/Bar";
import { Chip } from "../parts/State";
import { Time } from "../parts/Time";
import { EXECUTIONS, Link } from "../router";
import { stateOfExecution } from "../states";
import { duration, moment } from "../time";

export function Table({ executions, now }: { executions: ListedExecution[]; now: number }) {
  return (
    <table className="executions">
      <thead>
        <tr>
          <th scope="col">State</th>
          <th scope="col">Pipeline</th>
          <th scope="col">Progress</th>
          <th scope="col">Started</th>
          <th scope="col" className="number">
            Duration
          </th>
          <th scope="col">Initiator</th>
        </tr>
      </thead>
      <tbody>
        {executions.map((execution) => (
          <Row key={execution.id} execution={execution} now={now} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ execution, now }: { execution: ListedExecution; now: number }) {
  const { id, pipeline_id, pipeline_definition, error_info } = execution;
  return (
    <tr>
      <td className="state">
        <Chip state={stateOfExecution(execution)} />
      </td>
      <td className="pipeline">
        <Link href={`${EXECUTIONS}/${id}`} className="row-link">
          {pipeline_definition.pipeline_name || "(without a name)"}
        </Link>
        {error_info ? (
          <span className="error" title={String(error_info.message ?? "")}>
            {String(error_info.message ?? error_info.code)}
          </span>
        ) : (
          <span className="id">
            {id.slice(0, 8)}…{id.slice(-4)}
            {pipeline_id === null
              ? " · sent along, not stored"
              : ` · revision ${execution.revision}`}
          </span>
        )}
      </td>
      <td className="progress">
        <Progress execution={execution} />
      </td>
      <td className="started">
        <Time at={execution.start_time ?? execution.created_at} now={now} relative />
      </td>
      <td className="number">{durationOf(execution, now)}</td>
      <td className="initiator" title={execution.started_by ?? undefined}>
        {execution.initiator}
        {execution.user_id && <span className="whom"> for {execution.user_id}</span>}
      </td>
    </tr>
  );
}

export function Progress({ execution }: { execution: ListedExecution }) {
  const percent = Number(execution.progress_percentage);
  const { look, word } = stateOfExecution(execution);
  const shares: Share[] = [
    { look: look, share: percent },
    { look: "skipped", share: 100 - percent },
  ];
  return (
    <>
      <Bar shares={shares} label={`${word}, ${Math.floor(percent)} %`} />
      <span>{Math.floor(percent)} %</span>
    </>
  );
}

function durationOf({ start_time, end_time }: ListedExecution, now: number): string {
  if (start_time === null) return "–";
  return duration((end_time === null ? now : moment(end_time)) - moment(start_time));
}
