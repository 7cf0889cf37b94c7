/** Texts that cannot be read yet: the value stays what it was, and the text stays, too. */

import { useState } from "react";
import { write } from "../api/json";
import type { Fault } from "./text";

export interface Draft extends Fault {
  text: string;
  /** The value over which it lies, as JSON: over another one it counts no more. */
  over: string;
}

/** By the name of the parameter; what is in here keeps a form from being sent. */
export type Drafts = Readonly<Record<string, Draft>>;

export type SetDraft = (name: string, draft: Draft | null) => void;

export function useDrafts(): [Drafts, SetDraft] {
  const [drafts, setDrafts] = useState<Drafts>({});
  const set: SetDraft = (name, draft) =>
    setDrafts((before) => {
      if (draft) return { ...before, [name]: draft };
      if (!Object.hasOwn(before, name)) return before;
      const { [name]: _, ...rest } = before;
      return rest;
    });
  return [drafts, set];
}

export const draftOver = (draft: Draft | undefined, value: unknown): Draft | null =>
  draft !== undefined && draft.over === written(value) ? draft : null;

export const written = (value: unknown): string => (value === undefined ? "" : write(value));
