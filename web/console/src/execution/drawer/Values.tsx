import { useQuery } from "@tanstack/react-query";
import { get } from "../../api/client";
import { print } from "../../api/json";
import type { DefinedStep, Execution, OneStep } from "../../api/types";
import { CopyButton } from "../../parts/CopyButton";
import { Failure } from "../../parts/Notice";
import { Preformatted } from "../../parts/Preformatted";
import { isOpen } from "../../states";
import { save } from "../save";

/** Longer values are cut where they are shown; all of it can be copied and saved. */
const SHOWN = 65_536;

export function ExecutionParams({ execution }: { execution: Execution }) {
  return (
    <Value
      value={execution.pipeline_definition.params}
      empty="It was started without params."
      file={`${execution.id}-params.json`}
    />
  );
}

export function ExecutionOutputs({ execution }: { execution: Execution }) {
  const { data, error } = useQuery({
    queryKey: ["execution", execution.id, "whole", execution.status],
    queryFn: ({ signal }) => get<Execution>(`/executions/${execution.id}`, signal),
  });
  if (error) return <Failure error={error} />;
  if (!data) return <p className="empty">Loading…</p>;
  const none = isOpen(execution.status)
    ? "It has outputs once it has ended."
    : "It has no outputs.";
  return <Value value={data.final_outputs} empty={none} file={`${execution.id}-outputs.json`} />;
}

/** As the action was given them; before that, as the definition has them. */
export function StepParams({ execution, row }: { execution: Execution; row: OneStep }) {
  if (row.params !== null) {
    return (
      <Value
        value={row.params}
        empty="The step has no params."
        file={`${row.step_id}-params.json`}
      />
    );
  }
  const { steps } = execution.pipeline_definition.dag as { steps?: DefinedStep[] };
  const defined = steps?.find((one) => one.id === row.step_id);
  return (
    <>
      <p className="empty">
        {row.params_problem
          ? `They cannot be filled in: ${row.params_problem.message} (${row.params_problem.code})`
          : "As the definition has them; templates are filled in when the step runs."}
      </p>
      <Value
        value={defined?.params}
        empty="The step has no params."
        file={`${row.step_id}-params.json`}
      />
    </>
  );
}

export function StepOutputs({ row }: { row: OneStep }) {
  if (row.outputs_are_elsewhere) return <Elsewhere outputs={row.outputs ?? {}} />;
  const none = isOpen(row.status) ? "It has no outputs yet." : "It has no outputs.";
  return <Value value={row.outputs} empty={none} file={`${row.step_id}-outputs.json`} />;
}

/** Too large to be looked at here: how large, what, and where. */
function Elsewhere({ outputs }: { outputs: Record<string, unknown> }) {
  const { size, type, href } = outputs;
  const path = String(href);
  return (
    <div className="value-box">
      <p>
        {sizeOf(Number(size))} of <code>{String(type)}</code>, more than is shown here.
      </p>
      {path.startsWith("/api/") && (
        <a className="button" href={path} download>
          Download
        </a>
      )}
    </div>
  );
}

export const sizeOf = (bytes: number): string =>
  bytes < 1_048_576
    ? `${Math.ceil(bytes / 1024).toLocaleString("en-GB")} KB`
    : `${(bytes / 1_048_576).toFixed(1)} MB`;

function Value({ value, empty, file }: { value: unknown; empty: string; file: string }) {
  if (value === null || value === undefined || Object.keys(value).length === 0) {
    return <p className="empty">{empty}</p>;
  }
  const written = print(value);
  const cut = written.length > SHOWN;
  return (
    <div className="value-box">
      <div className="execution-line">
        <CopyButton text={written}>Copy</CopyButton>
        <button type="button" onClick={() => save(file, "application/json", [written, "\n"])}>
          Download
        </button>
        {cut && <span className="muted">the first 64 KB of {sizeOf(written.length)}</span>}
      </div>
      <Preformatted>{cut ? `${written.slice(0, SHOWN)}…` : written}</Preformatted>
    </div>
  );
}
