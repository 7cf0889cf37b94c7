import type { Statistics, StepFigures } from "../api/types";
import { Bar, type Share } from "../parts/Bar";
import { type Column, DataTable } from "../parts/DataTable";
import type { PlanStep } from "./steps";
import { took } from "./took";

interface Props {
  steps: readonly PlanStep[];
  statistics: Statistics | undefined;
}

/** How long the last executions took, and in which steps. */
export function Summary({ steps, statistics }: Props) {
  if (!statistics) return <section aria-label="Durations" />;
  const { looked_at, completed, failed, interrupted, p50_seconds, p95_seconds } =
    statistics.executions;
  const shares: Share[] = [
    { look: "done", share: completed },
    { look: "failed", share: failed },
    { look: "waiting", share: interrupted },
  ];
  const words = `${completed} completed, ${failed} failed, ${interrupted} interrupted`;
  return (
    <section aria-label="Durations">
      <h2>{looked_at === 0 ? "How long it takes" : `The last ${looked_at} executions`}</h2>
      {looked_at === 0 ? (
        <p className="muted">No execution has ended yet.</p>
      ) : (
        <>
          <div className="totals">
            <Bar shares={shares} label={words} />
            <span>{words}</span>
            <span>
              half within <strong>{took(p50_seconds)}</strong>, 95 % within{" "}
              <strong>{took(p95_seconds)}</strong>
            </span>
          </div>
          <Steps steps={steps} statistics={statistics} />
        </>
      )}
    </section>
  );
}

interface Row extends StepFigures {
  name: string;
}

function Steps({ steps, statistics }: { steps: readonly PlanStep[]; statistics: Statistics }) {
  const names = new Map(steps.map(({ id, name }) => [id, name]));
  const longest = Math.max(...statistics.steps.map((step) => Number(step.p95_seconds ?? 0)), 1e-9);
  const rows = statistics.steps.map(
    (step): Row => ({
      ...step,
      name: names.get(step.step_id) ?? step.step_id,
    }),
  );
  const columns: Column<Row>[] = [
    {
      head: "Step",
      names: true,
      cell: ({ name, step_id }) => (
        <span className="one-line" title={`${name} (${step_id})`}>
          {name}
        </span>
      ),
    },
    {
      head: "",
      width: "22%",
      cell: (step) => <Spread step={step} longest={longest} />,
    },
    { head: "p50", width: "78px", number: true, cell: ({ p50_seconds }) => took(p50_seconds) },
    { head: "p95", width: "78px", number: true, cell: ({ p95_seconds }) => took(p95_seconds) },
    {
      head: "Failed",
      width: "76px",
      number: true,
      cell: ({ failed, runs }) =>
        failed > 0 ? <span className="failure">{`${failed} of ${runs}`}</span> : "0",
    },
  ];
  return <DataTable label="Steps" columns={columns} rows={rows} keyOf={({ step_id }) => step_id} />;
}

/** From the middle to the slow ones, beside the slowest step. */
function Spread({ step, longest }: { step: StepFigures; longest: number }) {
  const percent = (seconds: number | null) => `${(100 * Number(seconds ?? 0)) / longest}%`;
  return (
    <span className="spread" aria-hidden="true">
      <i style={{ width: percent(step.p95_seconds) }} />
      <i className="p50" style={{ width: percent(step.p50_seconds) }} />
    </span>
  );
}
