/** How the items of a fan-out stand, as the server has counted them. */

import type { Step } from "../api/types";
import { type IconName, type Look, stateOfStep } from "../states";

export interface Part {
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

/** One part for each state that there is; their sum is the number of items. */
export function parts({ by_status, parked }: Counts): Part[] {
  // What is parked has the status RUNNING or RETRYING, but it does not run.
  const counted = Object.entries(by_status).map(([status, count]) =>
    part(status, status === "RUNNING" ? count - parked : count),
  );
  if (parked > 0) counted.push(part(PARKED, parked));
  return counted
    .filter((part) => part.count > 0)
    .sort((one, other) => ORDER.indexOf(one.look) - ORDER.indexOf(other.look));
}

function part(status: string, count: number): Part {
  const parked = status === PARKED;
  const { look, icon, word } = stateOfStep({ status, parked, waits_for_place: false });
  return { look, icon, word: word.toLowerCase(), status, count };
}
