/** What one can do to the steps of a definition. Each returns another definition. */

import { isObject, type Json, type Members } from "../../api/json";
import type { Path } from "../../api/pointer";
import { at, listOf, put } from "../../definition/document";
import { whyNotConnected } from "./graph";
import { renamedIn } from "./references";
import { dependsOn, everyStep, find, idOf, isBlock, type Placed, stepsOf, textsOf } from "./steps";

const LONGEST_ID = 100;
const STEP_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;

/** An id that no step has yet, made of a word; with underscores, as templates want it. */
function freeId(taken: ReadonlySet<string>, word: string): string {
  const plain = word.replace(/[^A-Za-z0-9]+/g, "_").replace(/^_+|_+$/g, "") || "step";
  const stem = plain.slice(0, LONGEST_ID - 5);
  if (!taken.has(stem)) return stem;
  for (let number = 2; ; number++) {
    const id = `${stem.replace(/_\d+$/, "")}_${number}`;
    if (!taken.has(id)) return id;
  }
}

export const idsOf = (document: Members): Set<string> =>
  new Set(everyStep(document).map(({ id }) => id));

export interface Added {
  document: Members;
  ids: string[];
}

/** A new step at the end of a list, behind the steps named. */
export function addStep(document: Members, list: Path, step: Members, after: string[] = []): Added {
  const id = freeId(idsOf(document), idOf(step) || String(step.action ?? "block"));
  const there = new Set(stepsOf(document, list).map((placed) => placed.id));
  const known = after.filter((one) => there.has(one));
  const waits = known.length > 0 ? { depends_on: known } : {};
  const made: Members = { ...step, id, ...waits };
  return { document: appended(document, list, [made]), ids: [id] };
}

const appended = (document: Members, list: Path, steps: Members[]): Members =>
  put(document, list, [...listOf(at(document, list)), ...steps]);

/** Without these steps. Who waited for one of them waits for what that one waited for. */
export function removeSteps(document: Members, ids: readonly string[]): Members {
  return ids.reduce((before, id) => {
    const placed = find(before, id);
    return placed ? withoutStep(before, placed) : before;
  }, document);
}

function withoutStep(document: Members, { list, index, id, step }: Placed): Members {
  const bridged = dependsOn(step);
  const rest = listOf(at(document, list)).filter((_, other) => other !== index);
  return put(
    document,
    list,
    rest.map((other) => (isObject(other) ? bridgedOver(other, id, bridged) : other)),
  );
}

function bridgedOver(step: Members, id: string, instead: string[]): Members {
  const waits = dependsOn(step);
  if (!waits.includes(id)) return step;
  const next = waits.flatMap((one) => (one === id ? instead : [one]));
  return withDependencies(step, [...new Set(next)]);
}

function withDependencies(step: Members, ids: string[]): Members {
  return put(step, ["depends_on"], ids.length > 0 ? ids : undefined);
}

/** *to* waits for *from*; unchanged if that cannot be. */
export function connect(document: Members, list: Path, from: string, to: string): Members {
  const steps = stepsOf(document, list);
  const target = steps.find(({ id }) => id === to);
  if (!target || whyNotConnected(steps, from, to)) return document;
  return put(
    document,
    target.path,
    withDependencies(target.step, [...dependsOn(target.step), from]),
  );
}

export function disconnect(document: Members, list: Path, from: string, to: string): Members {
  const target = stepsOf(document, list).find(({ id }) => id === to);
  if (!target) return document;
  const rest = dependsOn(target.step).filter((id) => id !== from);
  return put(document, target.path, withDependencies(target.step, rest));
}

/** Why a step cannot be called so; null if it can. */
export function whyNotCalled(document: Members, from: string, to: string): string | null {
  if (from === to) return null;
  if (!STEP_ID.test(to))
    return "An id begins with a letter or digit, and has letters, digits, _ and -.";
  return idsOf(document).has(to) ? `Another step is called ${to}.` : null;
}

/** A step under another id, and all that refers to it. */
export function renameStep(document: Members, from: string, to: string): Members {
  const placed = find(document, from);
  if (!placed || whyNotCalled(document, from, to)) return document;
  const called = put(document, [...placed.path, "id"], to);
  const names = new Map([[from, to]]);
  const linked = put(
    called,
    placed.list,
    listOf(at(called, placed.list)).map((step) => (isObject(step) ? relinked(step, names) : step)),
  );
  return renamedIn(linked, "steps", names);
}

/** A param under another name, and all templates that refer to it. */
export function renameParameter(document: Members, index: number, to: string): Members {
  const path: Path = ["parameters", index, "name"];
  const from = at(document, path);
  const called = put(document, path, to);
  if (typeof from !== "string" || !from || !to) return called;
  const { parameters, ...rest } = called;
  return { ...renamedIn(rest, "params", new Map([[from, to]])), parameters: parameters as Json };
}

/** Dependencies, ways after failures and targets of branches, by new ids. */
function relinked(step: Members, names: ReadonlyMap<string, string>): Members {
  const renamed = (value: Json): Json =>
    Array.isArray(value)
      ? value.map(renamed)
      : typeof value === "string"
        ? (names.get(value) ?? value)
        : value;
  const paths: Path[] = [
    ["depends_on"],
    ...listOf(step.catch).map((_, index): Path => ["catch", index, "next"]),
    ...branchPaths(step),
  ];
  return paths.reduce((before, path) => {
    const value = at(before, path);
    if (value === undefined || !textsOf(value).some((id) => names.has(id))) return before;
    return put(before, path, renamed(value));
  }, step);
}

const branchPaths = (step: Members): Path[] =>
  isObject(step.params)
    ? listOf(step.params.branches).map((_, i): Path => ["params", "branches", i, "target_step"])
    : [];

/** Copies of steps at the end of a list, under ids of their own, connected as they were. */
export function paste(document: Members, list: Path, copies: Members[]): Added {
  const taken = idsOf(document);
  const names = new Map<string, string>();
  for (const id of copies.flatMap(ownIds)) {
    const free = freeId(taken, id);
    taken.add(free);
    names.set(id, free);
  }
  const made = copies.map((step) => renamedIn(underNewIds(step, names), "steps", names));
  const there = new Set([...stepsOf(document, list).map(({ id }) => id), ...names.values()]);
  const known = made.map((step) =>
    withDependencies(
      step,
      dependsOn(step).filter((id) => there.has(id)),
    ),
  );
  return { document: appended(document, list, known), ids: made.map(idOf) };
}

const innerSteps = (step: Members): Members[] => listOf(step.steps).filter(isObject);
const ownIds = (step: Members): string[] => [idOf(step), ...innerSteps(step).flatMap(ownIds)];

function underNewIds(step: Members, names: ReadonlyMap<string, string>): Members {
  const called = { ...relinked(step, names), id: names.get(idOf(step)) ?? idOf(step) };
  if (!isBlock(step)) return called;
  const inner = listOf(step.steps).map((one) => (isObject(one) ? underNewIds(one, names) : one));
  return { ...called, steps: inner };
}

/** A handler earlier or later in its list. */
export function move(
  { document, list }: { document: Members; list: Path },
  from: number,
  to: number,
): Members {
  const all = [...listOf(at(document, list))];
  if (to < 0 || to >= all.length) return document;
  all.splice(to, 0, ...all.splice(from, 1));
  return put(document, list, all);
}
