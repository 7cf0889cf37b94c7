import { useState } from "react";
import { post } from "../api/client";
import type { Execution } from "../api/types";
import { useAct } from "../parts/act";
import { Dialog, DialogButtons } from "../parts/Dialog";
import { TextField } from "../parts/Field";
import { FormFailure } from "../parts/FormFailure";
import { useMay } from "../parts/rights";

/** Asks before it does: what has ended does not begin again. A second cancel stops clean-up, too. */
export function Cancel({ execution }: { execution: Execution }) {
  const [open, setOpen] = useState(false);
  const may = useMay();
  const force = execution.cancel_requested_at !== null;
  if (!may("executions:control") || execution.forced_at !== null) return null;
  return (
    <>
      <button type="button" className="danger" onClick={() => setOpen(true)}>
        {force ? "Stop clean-up, too" : "Cancel"}
      </button>
      {open && <Ask {...{ execution, force }} close={() => setOpen(false)} />}
    </>
  );
}

interface Props {
  execution: Execution;
  force: boolean;
  close: () => void;
}

function Ask({ execution, force, close }: Props) {
  const [reason, setReason] = useState("");
  const cancel = useAct({
    act: () => post(`/executions/${execution.id}/cancel`, { reason: reason || null, force }),
    changes: [["execution", execution.id]],
    said: () => (force ? "Its clean-up is stopped." : "It is being cancelled."),
    after: close,
  });
  return (
    <Dialog
      title={force ? "Stop handlers and compensations?" : "Cancel this execution?"}
      close={close}
      submit={() => cancel.once(undefined)}
    >
      <p>
        {force
          ? "It is being cancelled. What cleans up after it would be stopped as well."
          : "Steps that run or are parked are stopped, and what they have started; handlers and compensations run. It cannot be taken back."}
      </p>
      <TextField label="Reason (optional)" value={reason} change={setReason} />
      <FormFailure error={cancel.error} />
      <DialogButtons>
        <button type="button" onClick={close}>
          Keep it running
        </button>
        <button type="submit" className="main danger" disabled={cancel.isPending}>
          {force ? "Stop them" : "Cancel execution"}
        </button>
      </DialogButtons>
    </Dialog>
  );
}
