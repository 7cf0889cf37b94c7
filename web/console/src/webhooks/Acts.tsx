/** What one can do with a webhook: enable it, disable it, delete it. */

import { useState } from "react";
import { change } from "../api/client";
import type { Webhook } from "../api/types";
import { useAct } from "../parts/act";
import { Confirm } from "../parts/Confirm";
import { useMay } from "../parts/rights";

const CHANGES = [["webhooks"], ["webhook"]];

export function Turn({ webhook }: { webhook: Webhook }) {
  const may = useMay();
  const { id, name, enabled } = webhook;
  const turn = useAct({
    act: () => change("PUT", `/webhooks/${id}`, { enabled: !enabled }),
    changes: CHANGES,
    said: () => `${name} is ${enabled ? "disabled" : "enabled"}.`,
    aloud: true,
  });
  if (!may("webhooks:write", "executions:run")) return null;
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

export function Delete({ webhook, deleted }: { webhook: Webhook; deleted: () => void }) {
  const [open, setOpen] = useState(false);
  const remove = useAct({
    act: () => change("DELETE", `/webhooks/${webhook.id}`),
    changes: [["webhooks"]],
    said: () => `${webhook.name} was deleted.`,
    after: deleted,
  });
  return (
    <>
      <button type="button" className="danger" onClick={() => setOpen(true)}>
        Delete
      </button>
      {open && (
        <Confirm
          title={`Delete “${webhook.name}”?`}
          word="Delete webhook"
          running={remove.isPending}
          error={remove.error}
          act={() => remove.once(undefined)}
          close={() => setOpen(false)}
        >
          <p>
            Its address, its secrets and the list of its deliveries go with it. What was accepted is
            started, and goes on.
          </p>
        </Confirm>
      )}
    </>
  );
}
