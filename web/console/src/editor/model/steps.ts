/** Where the steps of a definition are: in lists, in blocks, and as handlers. */

import { isObject, type Json, type Members } from "../../api/json";
import type { Path } from "../../api/pointer";
import { at, listOf } from "../../definition/document";

export const ROOT: Path = ["steps"];
export const HANDLER_LISTS = ["on_success", "on_failure", "on_cancel", "finally"] as const;
export type HandlerList = (typeof HANDLER_LISTS)[number];

/** A step at its place. */
export interface Placed {
  path: Path;
  /** The list that it stands in. */
  list: Path;
  index: number;
  step: Members;
  id: string;
  /** Unique in its list, whatever was typed as ids. */
  key: string;
  isHandler: boolean;
}

/** The steps of one list, in its order; what is no object is none. */
export function stepsOf(document: Members, list: Path): Placed[] {
  const seen = new Set<string>();
  return listOf(at(document, list)).flatMap((step, index) => {
    if (!isObject(step)) return [];
    const id = idOf(step);
    const key = id && !seen.has(id) ? id : `${id}#${index}`;
    seen.add(key);
    return [{ path: [...list, index], list, index, step, id, key, isHandler: isHandlers(list) }];
  });
}

const isHandlers = (list: Path) => list[0] === "settings";
export const idOf = (step: Members): string => (typeof step.id === "string" ? step.id : "");
export const nameOf = (step: Members): string =>
  (typeof step.name === "string" && step.name) || idOf(step) || "Step";
export const isBlock = (step: Members): boolean => Array.isArray(step.steps);
export const handlersPath = (list: HandlerList): Path => ["settings", list];

/** The type of its action, and the version that it asks for. */
export function actionOf(step: Members): { type: string; version: string | null } {
  const [type = "", version = null] = String(step.action ?? "").split("@", 2);
  return { type, version };
}

/** All steps: those in blocks behind the block, handlers last. */
export function everyStep(document: Members): Placed[] {
  const lists = [ROOT, ...HANDLER_LISTS.map(handlersPath)];
  return lists.flatMap((list) => withInner(document, list));
}

function withInner(document: Members, list: Path): Placed[] {
  return stepsOf(document, list).flatMap((placed) => [
    placed,
    ...(isBlock(placed.step) ? withInner(document, [...placed.path, "steps"]) : []),
  ]);
}

export const find = (document: Members, id: string): Placed | null =>
  everyStep(document).find((placed) => placed.id === id) ?? null;

/** The list of steps in a block, or that of the pipeline if there is no such block. */
export function listWithin(document: Members, block: string | null): Path {
  const found = block === null ? null : find(document, block);
  return found && isBlock(found.step) ? [...found.path, "steps"] : ROOT;
}

/** The blocks around a list, the outermost first. */
export function blocksAround(document: Members, list: Path): Placed[] {
  const found: Placed[] = [];
  for (let length = 2; length < list.length; length += 2) {
    const inner = stepsOf(document, list.slice(0, length - 1));
    const placed = inner.find(({ index }) => index === list[length - 1]);
    if (placed) found.push(placed);
  }
  return found;
}

/** The step that a place of the definition belongs to, and the way from it. */
export function stepAt(document: Members, path: Path): { placed: Placed; rest: Path } | null {
  const all = everyStep(document).filter(({ path: own }) =>
    own.every((part, i) => part === path[i]),
  );
  const placed = all.sort((a, b) => b.path.length - a.path.length)[0];
  return placed ? { placed, rest: path.slice(placed.path.length) } : null;
}

/** What a step waits for: it may be written as one id, or as a list. */
export function dependsOn(step: Members): string[] {
  const { depends_on: written } = step;
  if (typeof written === "string") return [written];
  return listOf(written).filter((id): id is string => typeof id === "string");
}

export const textsOf = (value: Json | undefined): string[] =>
  typeof value === "string"
    ? [value]
    : listOf(value).filter((one): one is string => typeof one === "string");
