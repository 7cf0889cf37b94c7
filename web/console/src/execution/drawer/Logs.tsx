import { useQuery } from "@tanstack/react-query";
import { get } from "../../api/client";
import { print } from "../../api/json";
import type { Execution, LogLine, LogList, Step } from "../../api/types";
import { Failure } from "../../parts/Notice";
import { isOpen } from "../../states";
import { clock, exact, moment } from "../../time";

const LINES = 500;

/** What the actions have written down: the last lines. */
export function Logs({
  execution,
  step,
  row,
}: {
  execution: Execution;
  step: Step | null;
  row: Step | null;
}) {
  const of = step ? `&step_id=${encodeURIComponent(step.step_id)}` : "";
  const { data, error } = useQuery({
    queryKey: ["execution", execution.id, "logs", step?.step_id],
    queryFn: ({ signal }) =>
      get<LogList>(`/executions/${execution.id}/logs?tail=true&limit=${LINES}${of}`, signal),
    refetchInterval: isOpen(execution.status) ? 2_000 : false,
  });
  if (error && !data) return <Failure error={error} />;
  if (!data) return <p className="empty">Loading…</p>;
  const lines = row ? data.logs.filter((line) => line.step_execution_id === row.id) : data.logs;
  if (lines.length === 0) return <p className="empty">Its actions have written nothing down.</p>;
  return (
    <>
      {data.logs.length === LINES && <p className="empty">The last {LINES} lines.</p>}
      <ol className="logs">
        {lines.map((line) => (
          <Line key={line.cursor} line={line} />
        ))}
      </ol>
    </>
  );
}

function Line({ line }: { line: LogLine }) {
  const at = moment(line.at);
  const facts = Object.entries(line.facts);
  return (
    <li data-level={line.level}>
      <time dateTime={line.at} title={exact(at)}>
        {clock(at, 1)}
      </time>
      <span className="level">{line.level}</span>
      <span className="message">
        {line.message}
        {facts.map(([name, value]) => (
          <span key={name} className="fact">
            {" "}
            {name}={print(value)}
          </span>
        ))}
      </span>
    </li>
  );
}
