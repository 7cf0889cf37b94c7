/** Keeps what is typed on the server, shortly after it was typed, and warns before it would be lost. */

import { useEffect } from "react";
import { Problem } from "../api/client";
import { type Editing, isPublished, isSaved, keyOf, type State } from "./editing";
import { dropDraft, loadDraft, saveDraft } from "./server";

const PAUSE = 1_000;
/** After a failure, the next try. */
const LATER = 10_000;

export function useDraft(id: string, editing: Editing, state: State): void {
  const { present } = state.history;
  const wait = state.saving === "failed" ? LATER : PAUSE;
  const isHeld = state.saving === "saving" || state.isSignedOut || state.elsewhere !== null;
  const isDue = !isHeld && (isPublished(state) ? state.draft !== null : !isSaved(state));
  // biome-ignore lint/correctness/useExhaustiveDependencies: another version begins the pause anew
  useEffect(() => {
    if (!isDue) return undefined;
    const timer = setTimeout(() => void keep(id, editing), wait);
    return () => clearTimeout(timer);
  }, [id, editing, present, isDue, wait]);
  useEffect(() => {
    const warn = (event: BeforeUnloadEvent) => {
      if (!isSaved(editing.now())) event.preventDefault();
    };
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [editing]);
}

/** What is typed while it is on its way is not saved by that: only what was sent is. */
async function keep(id: string, editing: Editing): Promise<void> {
  const sent = editing.now();
  const { present } = sent.history;
  editing.set({ saving: "saving" });
  try {
    if (isPublished(sent)) {
      const draftTag = await dropDraft(id, sent.draftTag);
      editing.set({ draft: null, draftTag, saving: "idle", error: null });
    } else {
      const document = present.written?.error ? present.written.text : present.document;
      const draft = { based_on: sent.basedOn, document };
      const draftTag = await saveDraft(id, sent.draftTag, draft);
      const kept = { key: keyOf(present), at: Date.now() };
      editing.set({ draft: kept, draftTag, saving: "idle", error: null });
    }
  } catch (error) {
    await failed(id, editing, error);
  }
}

async function failed(id: string, editing: Editing, error: unknown): Promise<void> {
  const problem = error instanceof Problem ? error : null;
  const elsewhere = problem?.status === 412 ? await loadDraft(id).catch(() => null) : null;
  editing.set({ saving: "failed", error: problem, elsewhere });
}
