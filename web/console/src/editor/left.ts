/** What was typed just before another page was shown is not waited for, nor let go of. */

import { announce } from "../parts/announce";
import type { Editing } from "./editing";
import { isOther, keep, mayKeep } from "./keeping";

/** By pipeline; gone on with when it is opened again. */
const left = new Map<string, Editing>();

export function takeLeft(id: string): Editing | null {
  const found = left.get(id) ?? null;
  left.delete(id);
  if (left.size === 0) removeEventListener("beforeunload", warn);
  return found;
}

/** Keeps it as a draft; where that cannot be, it stays in this tab. */
export async function leave(id: string, editing: Editing): Promise<void> {
  if (editing.now().saving !== "saving" && !isOther(editing.now())) return;
  left.set(id, editing);
  await savedOrFailed(editing);
  if (isOther(editing.now()) && mayKeep(editing.now())) await keep(id, editing);
  if (left.get(id) !== editing) return; // somebody has come back to it meanwhile
  if (!isOther(editing.now())) takeLeft(id);
  else {
    addEventListener("beforeunload", warn);
    const { name } = editing.now().published;
    announce(`What you typed in ${name} is in this tab only: open it again to keep it.`, {
      failed: true,
    });
  }
}

function savedOrFailed(editing: Editing): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (editing.now().saving === "saving") return;
      stop();
      resolve();
    };
    const stop = editing.subscribe(look);
    look();
  });
}

const warn = (event: BeforeUnloadEvent) => event.preventDefault();
