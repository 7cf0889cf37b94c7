import { pipelineAt, runAt } from "../addresses";
import type { ListedPipeline } from "../api/types";
import { type Column, DataTable } from "../parts/DataTable";
import { useMay } from "../parts/rights";
import { Chip } from "../parts/State";
import { Time } from "../parts/Time";
import { Link } from "../router";
import { stateOfPipeline } from "../states";
import { Acts } from "./Acts";
import { Spark } from "./Spark";

export function Table({ pipelines, now }: { pipelines: ListedPipeline[]; now: number }) {
  const may = useMay();
  return (
    <DataTable
      label="Pipelines"
      columns={columnsAt(now, may("executions:run"))}
      rows={pipelines}
      keyOf={({ id }) => id}
      hrefOf={({ id }) => pipelineAt(id)}
    />
  );
}

const columnsAt = (now: number, mayRun: boolean): Column<ListedPipeline>[] => [
  { head: "Pipeline", names: true, cell: (pipeline) => <Name pipeline={pipeline} /> },
  {
    head: "Last executions",
    width: "240px",
    card: "line",
    cell: ({ recent }) => <Spark recent={recent} />,
  },
  {
    head: "Last run",
    width: "108px",
    card: "label",
    cell: ({ last_execution_at: at }) =>
      at ? <Time at={at} now={now} relative /> : <span className="muted">never</span>,
  },
  {
    head: "Next run",
    width: "94px",
    card: "label",
    cell: ({ next_due_at: at }) =>
      at ? <Time at={at} now={now} relative /> : <span className="muted">none</span>,
  },
  {
    head: "Owner",
    width: "96px",
    card: "label",
    cell: ({ user_id }) => user_id ?? <span className="muted">system</span>,
  },
  {
    head: "Status",
    width: "108px",
    cell: ({ status }) => <Chip state={stateOfPipeline(status)} />,
  },
  {
    head: "Control",
    width: "112px",
    cell: (pipeline) => (
      <span className="pipeline-acts">
        {mayRun && pipeline.status === "ACTIVE" && (
          <Link className="button" href={runAt(pipeline.id)}>
            Run
          </Link>
        )}
        <Acts pipeline={pipeline} />
      </span>
    ),
  },
];

function Name({ pipeline }: { pipeline: ListedPipeline }) {
  const { name, description, revision, step_count } = pipeline;
  const size = `${step_count} step${step_count === 1 ? "" : "s"}, revision ${revision}`;
  return (
    <>
      <span className="pipeline-name" title={name}>
        {name}
      </span>
      <span className="sub" title={description ?? undefined}>
        {description || size}
      </span>
    </>
  );
}
