import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useId, useRef, useState } from "react";
import { post } from "../api/client";
import type { Execution } from "../api/types";

/** Asks before it does: what has ended does not begin again. A second cancel stops clean-up, too. */
export function Cancel({ execution }: { execution: Execution }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const title = useId();
  const [reason, setReason] = useState("");
  const client = useQueryClient();
  const force = execution.cancel_requested_at !== null;
  const cancel = useMutation({
    mutationFn: () => post(`/executions/${execution.id}/cancel`, { reason: reason || null, force }),
    onSuccess: () => {
      dialog.current?.close();
      return client.invalidateQueries({ queryKey: ["execution", execution.id] });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    cancel.mutate();
  };
  return (
    <>
      <button type="button" className="danger" onClick={() => dialog.current?.showModal()}>
        {force ? "Stop clean-up, too" : "Cancel"}
      </button>
      <dialog ref={dialog} aria-labelledby={title} onClose={() => cancel.reset()}>
        <form onSubmit={submit}>
          <h2 id={title}>
            {force ? "Stop handlers and compensations?" : "Cancel this execution?"}
          </h2>
          <p>
            {force
              ? "It is being cancelled. What cleans up after it would be stopped as well."
              : "Steps that run or are parked are stopped; handlers and compensations run. It cannot be taken back."}
          </p>
          <label>
            <span>
              Reason <span className="muted">(optional)</span>
            </span>
            <input
              value={reason}
              maxLength={1000}
              onChange={(event) => setReason(event.target.value)}
            />
          </label>
          {cancel.error && (
            <p className="failure" role="alert">
              {cancel.error.message}
            </p>
          )}
          <div className="answers">
            <button type="button" onClick={() => dialog.current?.close()}>
              Keep it running
            </button>
            <button type="submit" className="main danger" disabled={cancel.isPending}>
              {force ? "Stop them" : "Cancel execution"}
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
