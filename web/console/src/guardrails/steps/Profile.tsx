/** Step 11: what the guardrail is called, what it looks at, and from when it steps in. */

import type { Param } from "../../forms/param";
import { withValue } from "../../forms/param";
import { Words } from "../Words";
import { fieldOf } from "../workflow";
import type { FormProps } from "./form";
import { Plain } from "./Plain";

const PARAMS: Param[] = [
  { name: "name", label: "Name", type: "string", required: true },
  { name: "description", label: "Description", type: "string" },
  {
    name: "severity_threshold",
    label: "Severity threshold",
    type: "number",
    description: "From which severity it steps in.",
    placeholder: "0.75",
    validation: { min: 0, max: 1 },
  },
];
const LISTS = ["guard_types", "tags"];

export function Profile(props: FormProps) {
  const { workflow, values, change, problems, earlier } = props;
  const existing = fieldOf(workflow, "guardrail_profile_id") !== undefined;
  const plain = Object.fromEntries(
    Object.entries(values).filter(([name]) => !LISTS.includes(name)),
  );
  const lists = Object.fromEntries(Object.entries(values).filter(([name]) => LISTS.includes(name)));
  return (
    <>
      {existing && (
        <p className="guardrail-note">
          A profile that there is gets changed: what is left out stays as it says.
        </p>
      )}
      <Plain
        {...props}
        params={existing ? PARAMS.map((param) => ({ ...param, required: false })) : PARAMS}
        values={plain}
        change={(next) => change({ ...next, ...lists })}
        problems={problems.filter(({ name }) => !LISTS.includes(name))}
      />
      <Words
        name="guard_types"
        label="Guard types"
        about="What it looks at: input, output."
        known={[...new Set(["input", "output", ...(earlier.values.guard_types ?? [])])]}
        value={values.guard_types}
        change={(next) => change(withValue(values, "guard_types", next))}
        problems={problems}
      />
      <Words
        name="tags"
        label="Tags"
        known={earlier.values.tags}
        value={values.tags}
        change={(next) => change(withValue(values, "tags", next))}
        problems={problems}
      />
    </>
  );
}
