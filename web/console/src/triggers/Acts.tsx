/** What one can do with an event trigger: enable it, disable it, delete it. */

import { useState } from "react";
import { change } from "../api/client";
import type { EventTrigger } from "../api/types";
import { useAct } from "../parts/act";
import { Confirm } from "../parts/Confirm";
import { useMay } from "../parts/rights";

const CHANGES = [["triggers"], ["trigger"]];

export function Turn({ trigger }: { trigger: EventTrigger }) {
  const may = useMay();
  const { id, name, enabled } = trigger;
  const turn = useAct({
    act: () => change("PUT", `/event-triggers/${id}`, { enabled: !enabled }),
    changes: CHANGES,
    said: () => `${name} is ${enabled ? "disabled" : "enabled"}.`,
    aloud: true,
  });
  if (!may("event-triggers:write", "executions:run")) return null;
  const word = enabled ? "Disable" : "Enable";
  return (
    <button
      type="button"
      disabled={turn.isPending}
      aria-label={`${word} ${name}`}
      onClick={() => turn.once(undefined)}
    >
      {word}
    </button>
  );
}

export function Delete({ trigger, deleted }: { trigger: EventTrigger; deleted: () => void }) {
  const [open, setOpen] = useState(false);
  const remove = useAct({
    act: () => change("DELETE", `/event-triggers/${trigger.id}`),
    changes: [["triggers"]],
    said: () => `${trigger.name} was deleted.`,
    after: deleted,
  });
  return (
    <>
      <button type="button" className="danger" onClick={() => setOpen(true)}>
        Delete
      </button>
      {open && (
        <Confirm
          title={`Delete “${trigger.name}”?`}
          word="Delete trigger"
          running={remove.isPending}
          error={remove.error}
          act={() => remove.once(undefined)}
          close={() => setOpen(false)}
        >
          <p>What it has started goes on; what it has collected is dropped.</p>
        </Confirm>
      )}
    </>
  );
}
