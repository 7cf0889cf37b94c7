/** What is typed goes to the server as a draft, and a draft that is published goes away. */

import { Problem } from "../api/client";
import { serverNow } from "../api/clock";
import { type Editing, isPublished, isSaved, keyOf, type State } from "./editing";
import { dropDraft, loadDraft, saveDraft } from "./server";

export const mayKeep = (state: State): boolean =>
  state.saving !== "saving" && !state.isSignedOut && state.elsewhere === null;

/** Whether the server has something else than what is there. */
export const isOther = (state: State): boolean =>
  isPublished(state) ? state.draft !== null : !isSaved(state);

/** What is typed while it is on its way is not saved by that: only what was sent is. */
export async function keep(id: string, editing: Editing): Promise<void> {
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
      const kept = { key: keyOf(present), at: serverNow() };
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
