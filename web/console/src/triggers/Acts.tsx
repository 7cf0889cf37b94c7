/** What one can do with an event trigger: enable it, disable it, delete it. */

import type { EventTrigger } from "../api/types";
import { DeleteButton } from "../parts/DeleteButton";
import { EnableButton } from "../parts/EnableButton";
import { changesOf, listsOf } from "../parts/queries";
import { useMay } from "../parts/rights";

export const pathOf = (id: string): string => `/event-triggers/${encodeURIComponent(id)}`;

export function Enable({ trigger }: { trigger: EventTrigger }) {
  const may = useMay();
  if (!may("event-triggers:write", "executions:run")) return null;
  return <EnableButton of={trigger} path={pathOf(trigger.id)} changes={changesOf("trigger")} />;
}

export function Delete({ trigger, deleted }: { trigger: EventTrigger; deleted: () => void }) {
  return (
    <DeleteButton
      noun="trigger"
      name={trigger.name}
      path={pathOf(trigger.id)}
      changes={[listsOf("trigger")]}
      deleted={deleted}
    >
      What it has started goes on; what it has collected is dropped.
    </DeleteButton>
  );
}
