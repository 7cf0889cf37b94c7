/** What one can go to, and which of it fits to some words. */

import { actionAt, EXECUTIONS, pipelineAt } from "../addresses";
import type { ListedAction, ListedExecution } from "../api/types";
import { PAGES, pageAt } from "../pages";
import type { PageIconName } from "../parts/PageIcon";
import { type State, stateOfExecution } from "../states";

export interface Entry {
  href: string;
  word: string;
  /** What tells it from others with the same word. */
  more: string;
  icon?: PageIconName;
  state?: State;
}

export interface Group {
  name: string;
  entries: Entry[];
}

export function pages(words: string): Entry[] {
  return PAGES.filter(({ word }) => word && fits(word, words)).map((page) => ({
    href: page.path,
    word: page.word ?? "",
    more: "",
    ...(page.icon ? { icon: page.icon } : {}),
  }));
}

/** Those whose names begin with it before those in which it stands somewhere. */
export function actions(all: readonly ListedAction[], words: string, most: number): Entry[] {
  const begins = (action: ListedAction) =>
    Number(fitsAtStart(action.type, words) || fitsAtStart(action.name, words));
  return all
    .filter(({ type, name }) => fits(`${type} ${name}`, words))
    .sort((one, other) => begins(other) - begins(one))
    .slice(0, most)
    .map(({ type, name }) => ({ href: actionAt(type), word: name, more: type, icon: "actions" }));
}

/** A pipeline's own page; where there is none, what became of it. */
export function pipeline({ id, name }: { id: string; name: string }): Entry {
  const own = pipelineAt(id);
  const href = pageAt(own) ? own : `${EXECUTIONS}?pipeline=${id}`;
  return { href, word: name, more: "", icon: "pipelines" };
}

export function execution(execution: ListedExecution): Entry {
  const { id, pipeline_definition } = execution;
  return {
    href: `${EXECUTIONS}/${id}`,
    word: pipeline_definition.pipeline_name || "(without a name)",
    more: `${id.slice(0, 8)}…${id.slice(-4)}`,
    state: stateOfExecution(execution),
  };
}

/** Each word has to stand somewhere in it. */
function fits(text: string, words: string): boolean {
  const lower = text.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lower.includes(word));
}

const fitsAtStart = (text: string, words: string) =>
  text.toLowerCase().startsWith(words.trim().toLowerCase());

/** One further, or one back; round at the ends. */
export const moved = (at: number, by: number, count: number): number =>
  count === 0 ? 0 : (at + by + count) % count;
