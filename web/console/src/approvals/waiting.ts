/** What waits for the world, in words: for what, of whom, and what they have said so far. */

import { EXECUTIONS } from "../addresses";
import type { ApprovalList, Parked } from "../api/types";

type Approval = NonNullable<Parked["approval"]>;

/** A step that waits, whichever list it stands in. */
export interface Waiting {
  /** The same in both lists. */
  key: string;
  execution_id: string;
  pipeline_name: string;
  step_id: string;
  step_name: string;
  step_execution_id: string;
  /** In executions of others one is only asked. */
  isReadable: boolean;
  item_index: number | null;
  item_key: string | null;
  within: string | null;
  kind: string;
  since: string | null;
  until: string | null;
  attempt: number | null;
  external_workflow_ids: string[];
  approval: Approval | null;
}

export function waitingOf(parked: Parked): Waiting {
  return { ...parked, key: keyOf(parked), isReadable: true };
}

/** Of the list of approvals, which has also those of others' executions, and says less. */
export function askedOf(approval: ApprovalList["approvals"][number]): Waiting {
  const { message, asked: whom, decisions, deadline, page_url, ...rest } = approval;
  const { execution_is_readable: isReadable, ...place } = rest;
  return {
    ...place,
    key: keyOf(place),
    isReadable,
    kind: "approval",
    item_key: null,
    until: deadline,
    attempt: null,
    external_workflow_ids: [],
    approval: { message, asked: whom, decisions, deadline, page_url },
  };
}

type Place = Pick<Waiting, "execution_id" | "within" | "step_id" | "item_index">;

const keyOf = ({ execution_id, within, step_id, item_index }: Place): string =>
  [execution_id, within ?? "", step_id, item_index ?? ""].join(" ");

/** A new decision of somebody makes it another question. */
export const sayKey = ({ key, approval }: Waiting): string =>
  `${key} ${approval?.decisions?.length ?? 0}`;

/** The step in its execution; null where that is of somebody else, and would not be found. */
export const hrefOf = ({ isReadable, execution_id, step_execution_id }: Waiting): string | null =>
  isReadable ? `${EXECUTIONS}/${execution_id}?step=${step_execution_id}` : null;

/** `each[3]/pay, item Köln`: which of the steps with this name. */
export function placeOf({ within, step_id, item_index, item_key }: Waiting): string {
  const item = item_index === null ? "" : ` · item ${item_index}`;
  const named = item_key && item_key !== String(item_index) ? ` (${item_key})` : "";
  return `${within ? `${within}/` : ""}${step_id}${item}${named}`;
}

/** `ada, grace or a member of finance`; null where whoever may control the execution is asked. */
export function whomOf(approval: Approval): string | null {
  const { users = [], groups = [] } = approval.asked ?? {};
  const all = [...users, ...groups.map((group) => `a member of ${group}`)];
  if (all.length === 0) return null;
  return all.length === 1 ? String(all[0]) : `${all.slice(0, -1).join(", ")} or ${all.at(-1)}`;
}

/** How many have said yes, of those that have to. */
export function countOf(approval: Approval): { yes: number; required: number } {
  const yes = (approval.decisions ?? []).filter(({ approved }) => approved).length;
  return { yes, required: approval.asked?.required ?? 1 };
}
