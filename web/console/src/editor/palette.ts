/** The actions that steps can have, by category. */

import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { get } from "../api/client";
import type { Members } from "../api/json";
import type { Param } from "../forms/param";
import type { Output } from "./model/names";

export interface Action {
  type: string;
  version: string;
  versions: string[];
  package: string | null;
  name: string;
  description: string;
  category: string;
  icon: string;
  color: string;
  params: Param[];
  outputs: Output[];
  deprecated: boolean;
  deprecationMessage: string | null;
  replacedBy: string | null;
  docsUrl: string | null;
}

export interface Category {
  name: string;
  actions: Action[];
}

export interface Palette {
  categories: Category[];
  /** Of each type, and of its aliases. */
  byType: Map<string, Action>;
}

interface Answer {
  categories: Category[];
  actions: (Action & { aliases?: string[] })[];
}

const FIVE_MINUTES = 300_000;

export function usePalette(): Palette | null {
  const { data } = useQuery({
    queryKey: ["actions"],
    queryFn: ({ signal }) => get<Answer>("/actions", signal),
    staleTime: FIVE_MINUTES,
  });
  return useMemo(() => data && paletteOf(data), [data]) ?? null;
}

function paletteOf({ categories, actions }: Answer): Palette {
  const byType = new Map<string, Action>();
  for (const action of actions) {
    for (const name of [...(action.aliases ?? []), action.type]) byType.set(name, action);
  }
  return { categories, byType };
}

/** The categories with the actions that a text speaks of. */
export function searched(categories: readonly Category[], text: string): Category[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return categories
    .map(({ name, actions }) => ({ name, actions: actions.filter((one) => speaksOf(one, words)) }))
    .filter(({ actions }) => actions.length > 0);
}

function speaksOf({ name, type, description, category }: Action, words: string[]): boolean {
  const said = `${name} ${type} ${category} ${description}`.toLowerCase();
  return words.every((word) => said.includes(word));
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
