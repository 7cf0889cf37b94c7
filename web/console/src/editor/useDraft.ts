/** Keeps what is typed on the server, shortly after it was typed, and warns before it would be lost. */

import { useEffect } from "react";
import { type Editing, isSaved, type State } from "./editing";
import { isOther, keep, mayKeep } from "./keeping";
import { leave } from "./left";

const PAUSE = 1_000;
/** After a failure, the next try. */
const LATER = 10_000;

export function useDraft(id: string, editing: Editing, state: State): void {
  const { present } = state.history;
  const wait = state.saving === "failed" ? LATER : PAUSE;
  const isDue = mayKeep(state) && isOther(state);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another version begins the pause anew
  useEffect(() => {
    if (!isDue) return undefined;
    const timer = setTimeout(() => void keep(id, editing), wait);
    return () => clearTimeout(timer);
  }, [id, editing, present, isDue, wait]);
  useEffect(() => () => void leave(id, editing), [id, editing]);
  useEffect(() => {
    const warn = (event: BeforeUnloadEvent) => {
      if (!isSaved(editing.now())) event.preventDefault();
    };
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [editing]);
}
