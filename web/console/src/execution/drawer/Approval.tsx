import { useState } from "react";
import type { Execution, OneStep } from "../../api/types";
import { AnswerDialog } from "../../approvals/AnswerDialog";
import {
  countOf,
  waitingOf as parkedOf,
  sayKey,
  type Waiting,
  whomOf,
} from "../../approvals/waiting";
import { useMay } from "../../parts/rights";
import { Time } from "../../parts/Time";

/** What is asked, of whom, and the way to say yes or no. */
export function Approval(props: { execution: Execution; row: OneStep; now: number }) {
  const { execution, row, now } = props;
  const [saying, setSaying] = useState<boolean | null>(null);
  const [said, setSaid] = useState<string | null>(null);
  const may = useMay();
  const waiting = waitingOf(execution, row);
  // Somebody else may decide while one still writes: the dialog stays, and tells.
  const dialog = saying !== null && (
    <AnswerDialog
      waiting={waiting}
      approved={saying}
      close={() => setSaying(null)}
      answered={(one) => setSaid(sayKey(one))}
    />
  );
  if (!waiting?.approval) return dialog || null;
  const { approval } = waiting;
  const { yes, required } = countOf(approval);
  return (
    <section className="execution-why parked" aria-label="Approval">
      <b>{approval.message || "It waits for a yes or a no."}</b>
      <p>
        Asks {whomOf(approval) ?? "whoever may control the execution"}
        {required > 1 && `; ${yes} of ${required} have said yes`}
        {row.waits_for?.until && (
          <>
            ; until <Time at={row.waits_for.until} now={now} />
          </>
        )}
        .
      </p>
      {(approval.decisions ?? []).map(({ by, approved, comment, at }) => (
        <p key={`${by} ${at}`}>
          <strong>{by ?? "Somebody"}</strong> has said {approved ? "yes" : "no"}
          {comment && `: ${comment}`}
        </p>
      ))}
      {said === sayKey(waiting) ? (
        <p role="status">Your answer was received.</p>
      ) : (
        may("executions:control") && (
          <div className="answers">
            <button type="button" onClick={() => setSaying(false)}>
              Reject
            </button>
            <button type="button" className="main" onClick={() => setSaying(true)}>
              Approve
            </button>
          </div>
        )
      )}
      {dialog}
    </section>
  );
}

function waitingOf(execution: Execution, row: OneStep): Waiting | null {
  const { waits_for, handler_type: action, id: step_execution_id } = row;
  if (!row.parked || waits_for?.kind !== "approval") return null;
  const { pipeline_id, pipeline_definition } = execution;
  const { pipeline_name } = pipeline_definition;
  return parkedOf({ ...row, ...waits_for, action, pipeline_id, pipeline_name, step_execution_id });
}
