/** How the items of a fan-out stand, as the server has counted them. */

import type { Step } from "../api/types";
import { type IconName, type Look, stateOfStep } from "../states";

export interface ItemCount {
  look: Look;
  icon: IconName;
  word: string;
  count: number;
  /** What to ask the server for, to get these. */
  status: string;
}

const ORDER: Look[] = ["done", "failed", "running", "parked", "retrying", "waiting", "skipped"];
/** Not a status of its own, but a state of its own. */
export const PARKED = "PARKED";

type Counts = NonNullable<Step["items"]>;

/** One for each state that there is; their sum is the number of items. */
export function itemCounts({ by_status, parked }: Counts): ItemCount[] {
  // What is parked has the status RUNNING or RETRYING, but it does not run.
  const counted = Object.entries(by_status).map(([status, count]) =>
    itemCount(status, status === "RUNNING" ? count - parked : count),
  );
  if (parked > 0) counted.push(itemCount(PARKED, parked));
  return counted
    .filter(({ count }) => count > 0)
    .sort((one, other) => ORDER.indexOf(one.look) - ORDER.indexOf(other.look));
}

function itemCount(status: string, count: number): ItemCount {
  const parked = status === PARKED;
  const { look, icon, word } = stateOfStep({ status, parked, waits_for_place: false });
  return { look, icon, word: word.toLowerCase(), status, count };
}
