import type { Drafts, SetDraft } from "../../forms/drafts";
import type { Values } from "../../forms/param";
import type { FieldProblem } from "../../forms/problems";
import type { Suggestions } from "../suggestions";
import type { Workflow } from "../workflow";

/** What the form of a step gets. */
export interface FormProps {
  workflow: Workflow | null;
  values: Values;
  change: (values: Values) => void;
  problems: readonly FieldProblem[];
  earlier: Suggestions;
  /** Texts that cannot be read yet. */
  drafts: Drafts;
  setDraft: SetDraft;
}
