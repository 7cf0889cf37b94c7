/** What one can do with a schedule: run it now, pause it, resume it, delete it. */

import { useState } from "react";
import { EXECUTIONS } from "../addresses";
import { change, post } from "../api/client";
import type { Schedule } from "../api/types";
import { useDrafts } from "../forms/drafts";
import type { Values } from "../forms/param";
import { useAct } from "../parts/act";
import { Confirm } from "../parts/Confirm";
import { Answers, Dialog } from "../parts/Dialog";
import { FormFailure } from "../parts/FormFailure";
import { PipelineParams } from "../parts/PipelineParams";
import { useMay } from "../parts/rights";
import { go } from "../router";

const CHANGES = [["schedules"], ["schedule"]];

export function PauseOrResume({ schedule }: { schedule: Schedule }) {
  const may = useMay();
  const paused = schedule.status === "paused";
  const turn = useAct({
    act: () => post(`/schedules/${schedule.id}/${paused ? "resume" : "pause"}`, undefined),
    changes: CHANGES,
    said: () => `${schedule.name} ${paused ? "goes on" : "is paused"}.`,
    aloud: true,
  });
  if (!may("schedules:control") || !(paused || schedule.status === "active")) return null;
  return (
    <button
      type="button"
      disabled={turn.isPending}
      aria-label={`${paused ? "Resume" : "Pause"} ${schedule.name}`}
      onClick={() => turn.once(undefined)}
    >
      {paused ? "Resume" : "Pause"}
    </button>
  );
}

export function RunNow({ schedule }: { schedule: Schedule }) {
  const may = useMay();
  const [open, setOpen] = useState(false);
  if (!may("schedules:control", "executions:run") || !schedule.pipeline_id) return null;
  return (
    <>
      <button type="button" aria-label={`Run now: ${schedule.name}`} onClick={() => setOpen(true)}>
        Run now
      </button>
      {open && <RunDialog schedule={schedule} close={() => setOpen(false)} />}
    </>
  );
}

/** Its own params stand in the form; what one changes goes before them, this once. */
function RunDialog({ schedule, close }: { schedule: Schedule; close: () => void }) {
  const [values, setValues] = useState<Values>(schedule.params);
  const [drafts, setDraft] = useDrafts();
  const run = useAct({
    act: () => post<{ execution_id: string }>(`/schedules/${schedule.id}/trigger`, values),
    changes: CHANGES,
    said: () => `${schedule.name} was started.`,
    after: ({ execution_id }) => go(`${EXECUTIONS}/${execution_id}`),
  });
  const unread = Object.keys(drafts).length > 0;
  return (
    <Dialog
      title={`Run “${schedule.name}” now?`}
      close={close}
      submit={() => !unread && run.once(undefined)}
    >
      <p>
        It starts what the schedule starts. Its due times stay as they are, and what you change here
        counts this once.
      </p>
      <PipelineParams
        pipeline={schedule.pipeline_id ?? ""}
        values={values}
        change={setValues}
        error={run.error}
        drafts={drafts}
        setDraft={setDraft}
      />
      <FormFailure error={run.error} shown={["/params"]} />
      <Answers>
        <button type="button" onClick={close}>
          Leave it
        </button>
        <button type="submit" className="main" disabled={run.isPending || unread}>
          Run now
        </button>
      </Answers>
    </Dialog>
  );
}

export function Delete({ schedule, deleted }: { schedule: Schedule; deleted: () => void }) {
  const [open, setOpen] = useState(false);
  const remove = useAct({
    act: () => change("DELETE", `/schedules/${schedule.id}`),
    changes: [["schedules"]],
    said: () => `${schedule.name} was deleted.`,
    after: deleted,
  });
  return (
    <>
      <button type="button" className="danger" onClick={() => setOpen(true)}>
        Delete
      </button>
      {open && (
        <Confirm
          title={`Delete “${schedule.name}”?`}
          word="Delete schedule"
          running={remove.isPending}
          error={remove.error}
          act={() => remove.once(undefined)}
          close={() => setOpen(false)}
        >
          <p>Its ledger goes with it. What it has started stays, and goes on.</p>
        </Confirm>
      )}
    </>
  );
}
