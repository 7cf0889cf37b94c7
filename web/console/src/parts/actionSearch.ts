/** Actions by words: in the catalogue, and in the palette of the editor. */

import type { ActionCatalogue, ListedAction } from "../api/types";

/** Those in which each word stands somewhere: in the type, the name, the description or an alias. */
export function fits(action: ListedAction, words: string): boolean {
  const { type, name, description, category, aliases, package: from } = action;
  const text = [type, name, description, category, from ?? "", ...aliases].join(" ").toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

export type Category = ActionCatalogue["categories"][number];

/** The categories with what fits; of the others nothing is shown. */
export function foundActions(
  all: readonly Category[],
  words: string,
  category: string | null,
): Category[] {
  return all
    .filter(({ name }) => category === null || name === category)
    .map((one) => ({ ...one, actions: one.actions.filter((action) => fits(action, words)) }))
    .filter(({ actions }) => actions.length > 0);
}
