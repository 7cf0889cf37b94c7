import { useState } from "react";
import { EXECUTIONS, runAt } from "../addresses";
import { print } from "../api/json";
import { Once } from "../api/once";
import type { Execution } from "../api/types";
import { useAct } from "../parts/act";
import { CopyButton } from "../parts/CopyButton";
import { Dialog, DialogButtons } from "../parts/Dialog";
import { FormFailure } from "../parts/FormFailure";
import { Preformatted } from "../parts/Preformatted";
import { useMay } from "../parts/rights";
import { go, Link } from "../router";
import { again, curlAgain, isMasked } from "./curl";

/** Starts the same once more; what is to be changed first is changed in the pipeline's own form. */
export function RunAgain({ execution }: { execution: Execution }) {
  const [open, setOpen] = useState(false);
  const may = useMay();
  const scopes = execution.pipeline_id ? ["executions:run"] : ["executions:run", "pipelines:write"];
  if (!may(...scopes)) return null;
  return (
    <>
      <button type="button" onClick={() => setOpen(true)}>
        Run again
      </button>
      {open && <Ask execution={execution} close={() => setOpen(false)} />}
    </>
  );
}

function Ask({ execution, close }: { execution: Execution; close: () => void }) {
  const { pipeline_id, revision, pipeline_definition } = execution;
  const request = again(execution);
  const masked = isMasked(request);
  const [once] = useState(() => new Once());
  const start = useAct({
    act: () => once.post<{ execution_id: string }>(request.path, request.body),
    changes: [["executions"]],
    said: () => "Started.",
    after: ({ execution_id }) => go(`${EXECUTIONS}/${execution_id}`),
  });
  return (
    <Dialog
      title="Run again with the same params?"
      close={close}
      submit={() => start.once(undefined)}
    >
      <p>
        {pipeline_id
          ? `The pipeline as it is now; this was its revision ${revision}.`
          : "The same definition, which was sent along."}
      </p>
      <Preformatted>{print(pipeline_definition.params)}</Preformatted>
      {masked && (
        <p className="form-failure">
          Some of it is hidden, and would be sent as it is shown here
          {pipeline_id ? ": fill it in again." : "."}
        </p>
      )}
      <FormFailure error={start.error} />
      <DialogButtons>
        <button type="button" onClick={close}>
          Leave it
        </button>
        {!masked && <CopyButton text={curlAgain(request)}>Copy as curl</CopyButton>}
        {pipeline_id && (
          <Link className="button" href={`${runAt(pipeline_id)}&from=${execution.id}`}>
            Change params
          </Link>
        )}
        {!masked && (
          <button type="submit" className="main" disabled={start.isPending}>
            Run again
          </button>
        )}
      </DialogButtons>
    </Dialog>
  );
}
