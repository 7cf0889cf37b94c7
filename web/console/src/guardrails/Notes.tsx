/** What is to be known of a step before and after it is said: what it costs, and why it was refused. */

import { Problem } from "../api/client";
import type { Values } from "../forms/param";
import { FormFailure } from "../parts/FormFailure";
import { faultsOf, otherFaults } from "../parts/problems";
import { Link, withQuery } from "../router";
import { stepAt } from "./stepList";
import { forgets, missingOf } from "./submission";
import { isRunning, type Workflow } from "./workflow";

export function Notes({
  workflow,
  values,
  mayNot,
}: {
  workflow: Workflow | null;
  values: Values;
  mayNot: boolean;
}) {
  const lost = forgets(workflow, values);
  return (
    <div className="guardrail-notes" aria-live="polite">
      {lost.length > 0 && (
        <p className="guardrail-note">
          With another answer {lost.join(", ")} {lost.length > 1 ? "are" : "is"} forgotten, and
          asked for again.
        </p>
      )}
      {mayNot && (
        <p className="guardrail-note">
          To say steps one needs <code>guardrails:write</code> and <code>executions:run</code>.
        </p>
      )}
      {workflow && isRunning(workflow) && (
        <p className="guardrail-note">
          While the pipeline runs nothing can be changed. One may go away and come back.
        </p>
      )}
    </div>
  );
}

/** Two have said the same step: nothing of either is lost unseen. */
export function Overtaken({ giveWay, insist }: { giveWay: () => void; insist: () => void }) {
  return (
    <div className="guardrail-warning" role="alert">
      <p>Somebody else has said this step meanwhile, and otherwise.</p>
      <button type="button" onClick={giveWay}>
        Show what was said
      </button>
      <button type="button" onClick={insist}>
        Keep mine
      </button>
    </div>
  );
}

/** Why it was not taken, what has to be said first, and where. */
export function Refusal({ error, number }: { error: Error | null; number: number }) {
  if (error === null) return null;
  const missing = error instanceof Problem ? missingOf(error.body) : [];
  const shown = stepAt(number).fields.map((name) => `/${name}`);
  const isAllAtFields = faultsOf(error).length > 0 && otherFaults(error, shown).length === 0;
  if (isAllAtFields) return null;
  return (
    <>
      <FormFailure error={error} shown={shown} />
      {missing.length > 0 && (
        <ul className="guardrail-missing" aria-label="What is missing">
          {missing.map(({ step, fields }) => (
            <li key={step}>
              <Link href={withQuery({ step: String(step) })}>
                Step {step}, {stepAt(step).word}
              </Link>
              {fields.length > 0 && <span className="muted"> lacks {fields.join(" or ")}</span>}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
