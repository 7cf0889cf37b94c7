/** Step 4, and wherever models are of interest: how each stands, and what has to be done for it. */

import type { ModelStatus } from "../../api/types";
import { type Column, DataTable } from "../../parts/DataTable";
import { Chip } from "../../parts/State";
import { stateOfModel, summed, toDo } from "../models";
import { modelsOf } from "../workflow";
import type { FormProps } from "./form";
import { Credential } from "./Plain";

/** How it stood before is of no interest once it is done. */
const STATUS: Column<ModelStatus> = {
  head: "Status",
  width: "168px",
  cell: (model) => <Chip state={stateOfModel(model)} />,
};

const columns = (isDone: boolean): Column<ModelStatus>[] => [
  {
    head: "Rule",
    names: true,
    cell: ({ rule_name, rule_id, probe_name, probe_id }) => (
      <>
        {rule_name ?? rule_id}
        <span className="sub">{probe_name ?? probe_id}</span>
      </>
    ),
  },
  {
    head: "Model",
    width: "34%",
    card: "line",
    cell: ({ model_uri, model_id, endpoint_name, cluster_name }) => (
      <>
        <span className="id breaking">{model_uri}</span>
        {endpoint_name ? (
          <span className="sub">
            {endpoint_name}
            {cluster_name && ` on ${cluster_name}`}
          </span>
        ) : (
          model_id && <span className="sub id">{model_id}</span>
        )}
      </>
    ),
  },
  ...(isDone ? [] : [STATUS]),
  {
    head: isDone ? "Done" : "To do",
    width: "22%",
    card: "label",
    cell: (model) => toDo(model, isDone),
  },
];

export function ModelTable({
  models,
  isDone,
}: {
  models: readonly ModelStatus[];
  /** What had to be done is done. */
  isDone: boolean;
}) {
  return (
    <DataTable
      label="Models"
      columns={columns(isDone)}
      rows={[...models]}
      keyOf={({ probe_id, rule_id }) => `${probe_id} ${rule_id}`}
    />
  );
}

export function Models({ workflow }: FormProps) {
  const models = modelsOf(workflow);
  if (models === null) {
    return <p className="guardrail-note">This is known once project and probes were said.</p>;
  }
  const isDone = workflow?.phase === "completed";
  return (
    <>
      <p className="guardrail-note">{summed(models, isDone)}.</p>
      {models.length > 0 && <ModelTable models={models} isDone={isDone} />}
    </>
  );
}

/** Step 5: what a credential is needed for. */
export function Onboarding(props: FormProps) {
  const models = (modelsOf(props.workflow) ?? []).filter((model) => model.requires_onboarding);
  return (
    <>
      <Credential {...props} />
      {models.length > 0 && <ModelTable models={models} isDone={false} />}
    </>
  );
}
