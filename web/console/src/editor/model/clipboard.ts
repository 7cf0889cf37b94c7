/** Steps on the clipboard: JSON that can be read by people, and pasted in another tab. */

import { isObject, type Members, parse, print } from "../../api/json";
import { listOf } from "../../definition/document";
import { idOf } from "./steps";

export const copied = (steps: Members[]): string => `${print({ steps })}\n`;

/** The steps in a text: a step, some steps, or a whole definition; null if there are none. */
export function stepsIn(text: string): Members[] | null {
  let value: unknown;
  try {
    value = parse(text);
  } catch {
    return null;
  }
  const list = isObject(value) && !isStep(value) ? listOf(value.steps) : [value].flat();
  const steps = list.filter(isObject);
  return steps.length > 0 && steps.length === list.length && steps.every(isStep) ? steps : null;
}

const isStep = (value: Members): boolean =>
  idOf(value) !== "" && (typeof value.action === "string" || Array.isArray(value.steps));
