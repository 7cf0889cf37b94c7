/** Cancel a workflow, with a reason. What it deploys is taken back; it cannot be taken up again. */

import { useState } from "react";
import { post } from "../api/client";
import type { GuardrailTakenBack } from "../api/types";
import { useAct } from "../parts/act";
import { Dialog, DialogButtons } from "../parts/Dialog";
import { AreaField } from "../parts/Field";
import { FormFailure } from "../parts/FormFailure";
import { DEPLOY_WORKFLOW, type Workflow } from "./workflow";

/** Longer ones the API refuses. */
const LONGEST = 1000;

export function Cancel({ workflow }: { workflow: Workflow }) {
  const [asking, ask] = useState(false);
  return (
    <>
      <button type="button" className="danger" onClick={() => ask(true)}>
        Cancel workflow
      </button>
      {asking && <Ask workflow={workflow} close={() => ask(false)} />}
    </>
  );
}

function Ask({ workflow, close }: { workflow: Workflow; close: () => void }) {
  const { workflow_id, phase } = workflow;
  const [reason, setReason] = useState("");
  const over = reason.length - LONGEST;
  const cancel = useAct({
    act: () =>
      post<GuardrailTakenBack>(`${DEPLOY_WORKFLOW}/${workflow_id}/cancel`, {
        reason: reason.trim() || null,
      }),
    changes: [["guardrail workflow", workflow_id], ["guardrail workflows"]],
    said: ({ status }) =>
      status === "pending" ? "What was made is being taken back." : "The workflow was cancelled.",
    after: close,
  });
  return (
    <Dialog
      title="Cancel this workflow?"
      close={close}
      submit={() => over <= 0 && cancel.once(undefined)}
    >
      <p>
        {phase === "deploying"
          ? "The deployment is stopped, and what it has made is taken back: endpoints, profile, deployment and the gateway's tables."
          : "Its pipeline is stopped if one runs."}{" "}
        Onboarded models stay. It cannot be taken up again.
      </p>
      <AreaField
        label="Reason (optional)"
        value={reason}
        change={setReason}
        problem={over > 0 ? `Too long by ${over}` : null}
      />
      <FormFailure error={cancel.error} />
      <DialogButtons>
        <button type="button" onClick={close}>
          Leave it
        </button>
        <button type="submit" className="main danger" disabled={cancel.isPending}>
          Cancel workflow
        </button>
      </DialogButtons>
    </Dialog>
  );
}
