import { GUARDRAILS } from "../addresses";
import { type Column, DataTable } from "../parts/DataTable";
import { Chip } from "../parts/State";
import { Dated } from "../parts/Time";
import { placeOf } from "./listing";
import { MODELS, PROBES } from "./stepList";
import { summaryOf } from "./summaries";
import { fieldOf, nameOf, stateOfPhase, type Workflow } from "./workflow";

export function Table({ workflows, now }: { workflows: Workflow[]; now: number }) {
  const columns: Column<Workflow>[] = [
    {
      head: "State",
      width: "188px",
      cell: ({ phase }) => <Chip state={stateOfPhase(phase)} />,
    },
    {
      head: "Guardrail",
      names: true,
      cell: (workflow) => (
        <>
          {nameOf(workflow)}
          <span className="sub">
            {[fieldOf(workflow, "project_id"), summaryOf(workflow, PROBES)]
              .filter(Boolean)
              .join(" · ")}
          </span>
        </>
      ),
    },
    {
      head: "Step",
      card: "label",
      width: "26%",
      cell: (workflow) => (
        <>
          {placeOf(workflow)}
          {workflow.reason && (
            <span className="sub" title={workflow.reason}>
              {workflow.reason}
            </span>
          )}
        </>
      ),
    },
    {
      head: "Models",
      card: "line",
      width: "24%",
      cell: (workflow) => summaryOf(workflow, MODELS) || "not known yet",
    },
    {
      head: "Changed",
      card: "label",
      width: "116px",
      cell: ({ updated_at }) => <Dated at={updated_at} now={now} />,
    },
  ];
  return (
    <DataTable
      label="Guardrail workflows"
      columns={columns}
      rows={workflows}
      keyOf={({ workflow_id }) => workflow_id}
      hrefOf={({ workflow_id }) => `${GUARDRAILS}/${workflow_id}`}
    />
  );
}
