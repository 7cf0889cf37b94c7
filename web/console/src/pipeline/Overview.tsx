import { useQuery } from "@tanstack/react-query";
import { editorAt } from "../addresses";
import { get } from "../api/client";
import type { Pipeline, Statistics } from "../api/types";
import type { Parameter } from "../forms/parameters";
import { fieldsOf } from "../forms/parameters";
import { inline, limitsOf } from "../forms/words";
import { type Column, DataTable } from "../parts/DataTable";
import { Notice } from "../parts/Notice";
import { Link } from "../router";
import { Plan } from "./Plan";
import { Summary } from "./Summary";
import { stepsOf } from "./steps";

/** Milliseconds; a statistic of a hundred executions changes slowly. */
const STALE = 10_000;

/** What it does step by step, how long that takes, and what it has to be given. */
export function Overview({ pipeline }: { pipeline: Pipeline }) {
  const statistics = useQuery({
    queryKey: ["pipeline", pipeline.id, "statistics"],
    queryFn: ({ signal }) => get<Statistics>(`/pipelines/${pipeline.id}/statistics`, signal),
    refetchInterval: STALE,
  }).data;
  const steps = stepsOf(pipeline.dag);
  return (
    <>
      {steps.length > 0 ? (
        <Plan steps={steps} statistics={statistics} />
      ) : (
        <Notice title="No steps yet">
          <p>
            <Link href={editorAt(pipeline.id)}>Add steps in the editor</Link>, and publish them
            there.
          </p>
        </Notice>
      )}
      <div className="pipeline-overview">
        <Summary steps={steps} statistics={statistics} />
        <Parameters parameters={pipeline.dag?.parameters} />
      </div>
    </>
  );
}

function Parameters({ parameters }: { parameters: unknown }) {
  const params = fieldsOf(parameters);
  const types = new Map(
    (parameters as Parameter[] | undefined)?.map?.((one) => [one.name, one.type]),
  );
  const columns: Column<(typeof params)[number]>[] = [
    {
      head: "Parameter",
      names: true,
      width: "34%",
      cell: ({ name, required }) => (
        <>
          <code className="pipeline-whole">{name}</code>
          <span className="sub">{required ? "needed" : "optional"}</span>
        </>
      ),
    },
    {
      head: "Type",
      width: "22%",
      cell: ({ name }) => types.get(name) ?? "string",
    },
    {
      head: "What it is",
      cell: (param) => {
        const limits = limitsOf(param);
        const choices = param.options?.map(({ label }) => label).join(", ");
        return (
          <span className="pipeline-parameter">
            {param.description && <span>{param.description}</span>}
            {(choices || limits) && (
              <span className="muted">{choices ? `one of ${choices}` : limits}</span>
            )}
            {param.default != null && (
              <span className="muted">
                default <code>{inline(param.default)}</code>
              </span>
            )}
          </span>
        );
      },
    },
  ];
  return (
    <section aria-label="Parameters">
      <h2>Parameters</h2>
      {params.length === 0 ? (
        <p className="muted">It has none.</p>
      ) : (
        <DataTable label="Parameters" columns={columns} rows={params} keyOf={({ name }) => name} />
      )}
    </section>
  );
}
