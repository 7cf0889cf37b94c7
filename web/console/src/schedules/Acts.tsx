/** What one can do with a schedule: run it now, pause it, resume it, delete it. */

import { useState } from "react";
import { executionAt } from "../addresses";
import { post } from "../api/client";
import type { Schedule } from "../api/types";
import { useDrafts } from "../forms/drafts";
import type { Values } from "../forms/param";
import { ActButton } from "../parts/ActButton";
import { useAct } from "../parts/act";
import { DeleteButton } from "../parts/DeleteButton";
import { Dialog, DialogButtons } from "../parts/Dialog";
import { FormFailure } from "../parts/FormFailure";
import { PipelineParams } from "../parts/PipelineParams";
import { changesOf, listsOf } from "../parts/queries";
import { useMay } from "../parts/rights";
import { go } from "../router";

export const pathOf = (id: string): string => `/schedules/${encodeURIComponent(id)}`;

export function PauseOrResume({ schedule: { id, name, status } }: { schedule: Schedule }) {
  const may = useMay();
  const isPaused = status === "paused";
  if (!may("schedules:control") || !(isPaused || status === "active")) return null;
  const word = isPaused ? "Resume" : "Pause";
  return (
    <ActButton
      word={word}
      label={`${word} ${name}`}
      act={() => post(`${pathOf(id)}/${word.toLowerCase()}`, undefined)}
      changes={changesOf("schedule")}
      said={() => `${name} ${isPaused ? "goes on" : "is paused"}.`}
    />
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
    act: () => post<{ execution_id: string }>(`${pathOf(schedule.id)}/trigger`, values),
    changes: changesOf("schedule"),
    said: () => `${schedule.name} was started.`,
    after: ({ execution_id }) => go(executionAt(execution_id)),
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
      <DialogButtons>
        <button type="button" onClick={close}>
          Leave it
        </button>
        <button type="submit" className="main" disabled={run.isPending || unread}>
          Run now
        </button>
      </DialogButtons>
    </Dialog>
  );
}

export function Delete({ schedule, deleted }: { schedule: Schedule; deleted: () => void }) {
  return (
    <DeleteButton
      noun="schedule"
      name={schedule.name}
      path={pathOf(schedule.id)}
      changes={[listsOf("schedule")]}
      deleted={deleted}
    >
      Its ledger goes with it. What it has started stays, and goes on.
    </DeleteButton>
  );
}
