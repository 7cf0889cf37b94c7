/** Steps that ask for a text or two. */

import { ParamFields } from "../../forms/ParamFields";
import type { Param } from "../../forms/param";
import type { FormProps } from "./form";

const id = (name: string, label: string, description: string, required = false): Param => ({
  name,
  label,
  type: "string",
  description,
  required,
});

const PROVIDER = [
  id(
    "provider_type",
    "Type of the provider",
    "Such as bud_sentinel. The type or the id is needed.",
  ),
  id("provider_id", "Id of the provider", "As budapp knows it."),
];
const PROJECT = [id("project_id", "Project", "Its id at budapp.", true)];
const CREDENTIAL = [
  id("credential_id", "Credential", "Its id at budapp; it opens the provider of the models.", true),
];

export const Provider = (props: FormProps) => <Plain {...props} params={PROVIDER} />;
export const Project = (props: FormProps) => <Plain {...props} params={PROJECT} />;
export const Credential = (props: FormProps) => <Plain {...props} params={CREDENTIAL} />;

/** Fields of texts; what earlier workflows have said is offered. */
export function Plain({
  params,
  values,
  change,
  problems,
  earlier,
  drafts,
  setDraft,
}: FormProps & { params: readonly Param[] }) {
  return (
    <ParamFields
      params={params}
      values={values}
      onChange={change}
      problems={problems}
      drafts={drafts}
      onDraft={setDraft}
      choicesOf={({ name, type }) =>
        type === "string" && name !== "description"
          ? (earlier.values[name] ?? []).map((value) => ({ value, label: value }))
          : null
      }
    />
  );
}
