/** Step 12: all that was said, on one page, before it is carried out and afterwards. */

import { Link, withQuery } from "../../router";
import { STEPS, stateOfStep } from "../stepList";
import { summaryOf } from "../summaries";
import { modelsOf } from "../workflow";
import type { FormProps } from "./form";
import { ModelTable } from "./Models";

export function Review({ workflow }: Pick<FormProps, "workflow">) {
  const models = modelsOf(workflow) ?? [];
  return (
    <>
      <dl className="review">
        {STEPS.slice(0, -1).map((step) => (
          <div key={step.number}>
            <dt>
              <Link href={withQuery({ step: String(step.number) })}>{step.word}</Link>
            </dt>
            <dd>
              {stateOfStep(workflow, step.number).word === "Skipped"
                ? `skipped: ${step.skipped?.toLowerCase() ?? ""}`
                : summaryOf(workflow, step.number) || "–"}
            </dd>
          </div>
        ))}
      </dl>
      {models.length > 0 && <ModelTable models={models} isDone={workflow?.phase === "completed"} />}
    </>
  );
}
