/** Makes what is edited the next revision, unless somebody else has made one meanwhile. */

import { useCallback, useState } from "react";
import { Problem } from "../api/client";
import { announce } from "../parts/announce";
import { type Editing, isPublished } from "./editing";
import { load, type Published, publish, savedBy } from "./server";
import type { Checked } from "./useValidation";

export interface Publishing {
  isBusy: boolean;
  /** Why not now; null if one can. */
  whyNot: string | null;
  refused: Problem | null;
  /** Stores a revision over the one that it builds on, or over *another* that was seen. */
  publish: (over?: Published) => Promise<void>;
}

export function usePublish(id: string, editing: Editing, checked: Checked): Publishing {
  const [isBusy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Problem | null>(null);
  const store = useCallback(
    async (over?: Published) => {
      const { history, published } = editing.now();
      const { document } = history.present;
      setBusy(true);
      setRefused(null);
      try {
        const stored = await publish(id, over ?? published, document);
        editing.set({ published: stored, basedOn: stored.lockVersion, theirs: null });
        announce(`Published revision ${stored.revision}.`);
      } catch (error) {
        await refuse(id, editing, error, setRefused);
      } finally {
        setBusy(false);
      }
    },
    [id, editing],
  );
  return { isBusy, refused, publish: store, whyNot: whyNot(editing, checked) };
}

async function refuse(
  id: string,
  editing: Editing,
  error: unknown,
  tell: (problem: Problem) => void,
): Promise<void> {
  const problem =
    error instanceof Problem ? error : new Problem(0, "error", "It could not be published.");
  if (problem.status === 412 || problem.code === "version_mismatch") {
    const theirs = await newest(id).catch(() => null);
    if (theirs) {
      editing.set({ theirs });
      announce("Somebody else has published meanwhile. Nothing of yours is lost.", {
        failed: true,
      });
      return;
    }
  }
  tell(problem);
  announce(`Not published: ${problem.message}`, { failed: true });
}

/** The newest revision, with who has stored it. */
async function newest(id: string): Promise<Published> {
  const found = await load(id);
  return { ...found, by: await savedBy(id, found.revision) };
}

function whyNot(editing: Editing, { problems, isCurrent }: Checked): string | null {
  const state = editing.now();
  if (state.history.present.written?.error) return "The text cannot be read yet.";
  if (state.theirs) return "Another revision was published meanwhile: choose above.";
  if (state.isSignedOut) return "You are signed out.";
  if (isPublished(state)) return "There is nothing that is not published.";
  const errors = problems.filter(({ isWarning }) => !isWarning).length;
  if (isCurrent && errors > 0) {
    return errors === 1 ? "There is a problem." : `There are ${errors} problems.`;
  }
  return null;
}
