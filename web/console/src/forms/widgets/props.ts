import type { Draft } from "../drafts";
import type { Option, Param } from "../param";
import type { Completion } from "../templates";
import type { Fault } from "../text";

/** What an input gets of its field. */
export interface WidgetProps {
  param: Param;
  /** Undefined: left out. */
  value: unknown;
  change: (value: unknown) => void;
  /** A text that cannot be read yet; *change* takes it away. */
  draft: Draft | null;
  keep: (text: string, fault: Fault) => void;
  /** Names for templates; null where these are texts like any other. */
  completions: readonly Completion[] | null;
  /** Values that are known to exist; others can be typed. */
  choices: readonly Option[] | null;
  /** Attributes that tie it to its label, its words and its errors. */
  marks: Marks;
}

export interface Marks {
  id: string;
  "aria-describedby": string;
  "aria-invalid": true | undefined;
  "aria-required": true | undefined;
}

/** A group of inputs is named by its field's label, and cannot itself be invalid. */
export const groupMarks = ({ id, "aria-describedby": described }: Marks) => ({
  "aria-labelledby": `${id}-label`,
  "aria-describedby": described,
});
