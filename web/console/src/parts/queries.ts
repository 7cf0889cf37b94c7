/** Under which keys the answers of the API are kept: a list under the plural, one under its noun. */

import type { QueryKey } from "@tanstack/react-query";

type Noun =
  | "execution"
  | "guardrail workflow"
  | "pipeline"
  | "schedule"
  | "subscription"
  | "trigger"
  | "webhook";

export const listsOf = (noun: Noun): QueryKey => [`${noun}s`];

/** What is another one once one of them was changed. */
export const changesOf = (noun: Noun, id?: string): QueryKey[] => [
  listsOf(noun),
  id === undefined ? [noun] : [noun, id],
];
