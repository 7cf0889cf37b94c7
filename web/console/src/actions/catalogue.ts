/** What steps can do: found by words, and told in words. */

import { print } from "../api/json";
import type { ListedAction } from "../api/types";
import { hasDefault, type Param } from "../forms/param";
import { inline, limitsOf } from "../forms/words";
import type { State } from "../states";
import { duration } from "../time";

const DEPRECATED: State = { word: "Deprecated", look: "retrying", icon: "clock" };
const ISOLATED: State = { word: "Isolated", look: "waiting", icon: "stop" };
const STORED: State = { word: "Stored", look: "waiting", icon: "dot" };
const BUILT_IN: State = { word: "Installed", look: "done", icon: "check" };

/** What is to be known of it before it is used. */
export function marksOf(action: ListedAction): State[] {
  const marks = [];
  if (action.deprecated) marks.push(DEPRECATED);
  if (action.isolated) marks.push(ISOLATED);
  if (action.stored) marks.push(STORED);
  return marks;
}

export const stateOf = (action: ListedAction): State => marksOf(action)[0] ?? BUILT_IN;

/** `pipeline-engine 0.1.0`, or whose it is if it is stored. */
export function originOf({ package: from, packageVersion, stored }: ListedAction): string {
  if (from) return [from, packageVersion].filter(Boolean).join(" ");
  return stored?.owner ? `stored by ${stored.owner}` : "stored by the system";
}

/** `only while mode is "advanced"`; null if it is always there. */
export function conditionOf({ visibleWhen }: Param): string | null {
  if (!visibleWhen) return null;
  const { param, equals, notEquals } = visibleWhen;
  if (equals !== undefined && equals !== null) return `only while ${param} is ${inline(equals)}`;
  if (notEquals !== undefined && notEquals !== null) {
    return `only while ${param} is not ${inline(notEquals)}`;
  }
  return `only while ${param} is set`;
}

/** `required`, or what counts if it is left out. */
export function leftOut(param: Param): string {
  if (param.required) return "required";
  return hasDefault(param) ? print(param.default) : "none";
}

export function rulesOf(param: Param): string[] {
  const options = param.options?.map(({ value }) => inline(value)).join(", ");
  return [options ? `one of ${options}` : "", limitsOf(param), conditionOf(param) ?? ""].filter(
    Boolean,
  );
}

/** What happens to a step with it, in words. */
export function courseOf(action: ListedAction): string {
  return action.executionMode === "sync"
    ? "runs and ends on a worker"
    : "starts something, and is parked until the world answers";
}

export function patienceOf({ timeoutSeconds }: ListedAction): string {
  return timeoutSeconds === null ? "the default of the engine" : duration(timeoutSeconds * 1_000);
}

export function triesOf({ retryPolicy }: ListedAction): string | null {
  if (retryPolicy === null) return null;
  const { maxAttempts, initialIntervalSeconds, backoffMultiplier } = retryPolicy;
  const first = duration(Number(initialIntervalSeconds) * 1_000);
  return `${maxAttempts} attempts, the second after ${first}, then × ${Number(backoffMultiplier)}`;
}

/** An example as a step of a definition. */
export const stepOf = (action: ListedAction, params: unknown): string =>
  print({ id: action.type, name: action.name, action: action.type, params });
