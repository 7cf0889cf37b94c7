/** Says aloud, and for a moment visibly, what has come of an act. */

import { useEffect, useSyncExternalStore } from "react";

const SECONDS = 6;

interface Announcement {
  text: string;
  failed: boolean;
}

let current: Announcement | null = null;
const listeners = new Set<() => void>();

function set(next: Announcement | null): void {
  current = next;
  for (const listener of listeners) listener();
}

export function announce(text: string, { failed = false } = {}): void {
  set({ text, failed });
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

/** One live region for all pages. */
export function Announcements() {
  const said = useSyncExternalStore(subscribe, () => current);
  useEffect(() => {
    const timer = said ? setTimeout(() => set(null), SECONDS * 1_000) : undefined;
    return () => clearTimeout(timer);
  }, [said]);
  return (
    <div className="announcements" role="status" aria-live="polite">
      {said && (
        <p className={said.failed ? "said failed-act" : "said"}>
          {said.text}
          <button type="button" className="plain" onClick={() => set(null)}>
            Dismiss
          </button>
        </p>
      )}
    </div>
  );
}
