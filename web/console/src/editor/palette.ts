/** The actions that steps can have, by category. */

import { useMemo } from "react";
import type { Members } from "../api/json";
import type { ActionCatalogue, ListedAction } from "../api/types";
import type { Category } from "../parts/actionSearch";
import { useActions } from "../parts/useActions";

export type Action = ListedAction;

export interface Palette {
  categories: Category[];
  /** Of each type, and of its aliases. */
  byType: Map<string, Action>;
}

export function usePalette(): Palette | null {
  const { data } = useActions();
  return useMemo(() => data && paletteOf(data), [data]) ?? null;
}

function paletteOf({ categories, actions }: ActionCatalogue): Palette {
  const byType = new Map<string, Action>();
  for (const action of actions) {
    for (const name of [...action.aliases, action.type]) byType.set(name, action);
  }
  return { categories, byType };
}

/** What is dragged to the canvas. */
export const ACTION = "application/x-pipeline-action";
/** What stands for a block where actions stand; no action is called so. */
export const BLOCK = "block:";

/** A step as it is before anything is said of it. */
export function newStep(action: string, palette: Palette | null): Members {
  if (action === BLOCK) return { id: "block", name: "Block", steps: [] };
  return { id: action, name: palette?.byType.get(action)?.name ?? action, action, params: {} };
}
