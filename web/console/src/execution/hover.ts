/** Which step and which moment one points at: graph, Gantt and events show it together. */

import { useSyncExternalStore } from "react";

let step: string | null = null;
let at: number | null = null;
const listeners = new Set<() => void>();

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export function hover(to: { step?: string | null; at?: number | null }): void {
  if (to.step !== undefined) step = to.step;
  if (to.at !== undefined) at = to.at;
  for (const listener of listeners) listener();
}

/** Only what begins or ceases to be pointed at is drawn anew. */
export const useHovered = (id: string | null): boolean =>
  useSyncExternalStore(subscribe, () => id !== null && step === id);

export const useHoveredMoment = (): number | null => useSyncExternalStore(subscribe, () => at);

/** The handlers of what stands for a step. */
export const hovering = (id: string | null, moment?: number) => ({
  onMouseEnter: () => hover(moment === undefined ? { step: id } : { step: id, at: moment }),
  onMouseLeave: () => hover(moment === undefined ? { step: null } : { step: null, at: null }),
});
