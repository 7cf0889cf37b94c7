/** What one can do with a webhook: enable it, disable it, delete it. */

import type { Webhook } from "../api/types";
import { DeleteButton } from "../parts/DeleteButton";
import { EnableButton } from "../parts/EnableButton";
import { changesOf, listsOf } from "../parts/queries";
import { useMay } from "../parts/rights";

export const pathOf = (id: string): string => `/webhooks/${encodeURIComponent(id)}`;

export function Enable({ webhook }: { webhook: Webhook }) {
  const may = useMay();
  if (!may("webhooks:write", "executions:run")) return null;
  return <EnableButton of={webhook} path={pathOf(webhook.id)} changes={changesOf("webhook")} />;
}

export function Delete({ webhook, deleted }: { webhook: Webhook; deleted: () => void }) {
  return (
    <DeleteButton
      noun="webhook"
      name={webhook.name}
      path={pathOf(webhook.id)}
      changes={[listsOf("webhook")]}
      deleted={deleted}
    >
      Its address, its secrets and the list of its deliveries go with it. What was accepted is
      started, and goes on.
    </DeleteButton>
  );
}
