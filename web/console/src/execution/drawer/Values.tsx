import { useQuery } from "@tanstack/react-query";
import { get } from "../../api/client";
import { print } from "../../api/json";
import type { DefinedStep, Execution, Step, StepList } from "../../api/types";
import { CopyButton } from "../../parts/CopyButton";
import { Failure } from "../../parts/Notice";
import { isOpen } from "../../states";
import { ITEMS_PER_PAGE } from "../items";

/** Longer values are cut where they are shown; all of it can be copied. */
const SHOWN = 65_536;

export function ExecutionParams({ execution }: { execution: Execution }) {
  return (
    <Value value={execution.pipeline_definition.params} empty="It was started without params." />
  );
}

export function ExecutionOutputs({ execution }: { execution: Execution }) {
  const { data, error } = useQuery({
    queryKey: ["execution", execution.id, "whole"],
    queryFn: ({ signal }) => get<Execution>(`/executions/${execution.id}`, signal),
  });
  if (error) return <Failure error={error} />;
  if (!data) return <p className="empty">Loading…</p>;
  const none = isOpen(execution.status)
    ? "It has outputs once it has ended."
    : "It has no outputs.";
  return <Value value={data.final_outputs} empty={none} />;
}

export function StepParams({ execution, step }: { execution: Execution; step: Step }) {
  const { steps } = execution.pipeline_definition.dag as { steps?: DefinedStep[] };
  const defined = steps?.find((one) => one.id === step.step_id);
  return (
    <>
      <p className="empty">
        As the definition has them; templates are filled in when the step runs.
      </p>
      <Value value={defined?.params} empty="The step has no params." />
    </>
  );
}

export function StepOutputs({
  step,
  parent,
  page,
}: {
  step: Step;
  parent: Step | null;
  page: number;
}) {
  const { execution_id, id } = step;
  const of = parent
    ? `?parent=${parent.id}&page=${page}&page_size=${ITEMS_PER_PAGE}${parent.inside ? `&within=${encodeURIComponent(parent.inside)}` : ""}`
    : "";
  const { data, error } = useQuery({
    queryKey: ["execution", execution_id, "outputs", parent?.id, page],
    queryFn: ({ signal }) => get<StepList>(`/executions/${execution_id}/steps${of}`, signal),
  });
  if (error) return <Failure error={error} />;
  if (!data) return <p className="empty">Loading…</p>;
  const none = isOpen(step.status) ? "It has no outputs yet." : "It has no outputs.";
  return <Value value={data.steps.find((one) => one.id === id)?.outputs} empty={none} />;
}

function Value({ value, empty }: { value: unknown; empty: string }) {
  if (value === null || value === undefined || Object.keys(value).length === 0) {
    return <p className="empty">{empty}</p>;
  }
  const written = print(value);
  const cut = written.length > SHOWN;
  return (
    <div className="value-box">
      <CopyButton text={written}>Copy</CopyButton>
      {cut && (
        <span className="muted">
          the first 64 of {Math.ceil(written.length / 1024).toLocaleString("en-GB")} KB
        </span>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <pre className="value" tabIndex={0}>
        {cut ? `${written.slice(0, SHOWN)}…` : written}
      </pre>
    </div>
  );
}
