/** What all parts of the editor share: the definition, the actions, what is wrong, and where one is. */

import { createContext, useContext } from "react";
import type { Drafts, SetDraft } from "../forms/drafts";
import type { Editing, State } from "./editing";
import type { Problem } from "./model/issues";
import type { Palette } from "./palette";

export interface EditorContext {
  editing: Editing;
  state: State;
  palette: Palette | null;
  problems: readonly Problem[];
  /** Shows a step, or with null the pipeline; with a field, that one. */
  jump: (step: string | null, field?: string, pointer?: string) => void;
  /** The place of the definition that is wanted in the document; another object leads there anew. */
  goal: { pointer: string } | null;
  /** Texts of fields that cannot be read yet, by the place of their form. */
  draftsAt: (place: string) => { drafts: Drafts; onDraft: SetDraft };
}

const Context = createContext<EditorContext | null>(null);
export const EditorProvider = Context.Provider;

export function useEditor(): EditorContext {
  const editor = useContext(Context);
  if (!editor) throw new Error("There is no editor around this.");
  return editor;
}
