/** What is wrong with values: what the server has said, and what can be seen before it is asked. */

import { Problem } from "../api/client";
import { type IssueParts, issueText } from "../api/issueText";
import { own } from "../api/json";
import {
  hasDefault,
  isNumber,
  isTemplated,
  type Limit,
  type Param,
  type Rules,
  same,
  type Values,
} from "./param";
import { limitsOf } from "./words";

export interface FieldProblem {
  /** The parameter; "" if it is none of them alone. */
  name: string;
  /** Where inside of its value: `2/port`. */
  path?: string;
  message: string;
  code?: string;
}

/** The problems that an answer of the API tells, by the field below *prefix* that they point to. */
export function problemsOf(error: Error | null, prefix = "/params"): FieldProblem[] {
  if (!(error instanceof Problem)) return [];
  const told = error.body.errors ?? error.body.error_details;
  if (!Array.isArray(told)) return [];
  return (told as IssueParts[]).map((one) => problemAt(one, prefix));
}

function problemAt(told: IssueParts, prefix: string): FieldProblem {
  const pointer = told.pointer ?? "";
  const below = pointer.startsWith(`${prefix}/`) ? pointer.slice(prefix.length + 1) : "";
  const [name = "", ...path] = below.split("/").map(plain);
  const { code } = told;
  return {
    name,
    message: issueText(told),
    ...(path.length > 0 ? { path: path.join("/") } : {}),
    ...(code ? { code } : {}),
  };
}

/** The problems of what has not been changed since it was refused. */
export const stillTrue = (
  problems: readonly FieldProblem[],
  refused: Values,
  values: Values,
): FieldProblem[] => problems.filter(({ name }) => same(own(refused, name), own(values, name)));

const plain = (part: string): string => part.replaceAll("~1", "/").replaceAll("~0", "~");

/** What can be seen at once; the server has the last word. Null: nothing. */
export function faultOf(param: Param, value: unknown, templates: boolean): string | null {
  if (value === undefined) return param.required && !hasDefault(param) ? "This is needed." : null;
  if (value === null || (templates && isTemplated(value))) return null;
  if (param.whole && isNumber(value) && !Number.isInteger(Number(value))) {
    return "This has to be a whole number.";
  }
  if (param.shape === "array" && !Array.isArray(value)) return "This has to be a list: […].";
  if (param.shape === "object" && (typeof value !== "object" || Array.isArray(value))) {
    return "This has to be an object: {…}.";
  }
  return breaks(param.validation ?? {}, value) ? `This has to be ${limitsOf(param)}.` : null;
}

function breaks(rules: Rules, value: unknown): boolean {
  if (isNumber(value)) return !between(value, rules);
  if (rules.enum && !rules.enum.some((one) => same(one, value))) return true;
  if (typeof value === "string") return wrongLength(value, rules) || !matches(value, rules.pattern);
  return Array.isArray(value) && (wrongLength(value, rules) || wrongItems(value, rules));
}

const between = (value: Limit, { min, max }: Rules): boolean =>
  (min == null || Number(value) >= Number(min)) && (max == null || Number(value) <= Number(max));

function wrongLength(value: string | unknown[], { minLength, maxLength }: Rules): boolean {
  const length = typeof value === "string" ? [...value].length : value.length;
  return (minLength != null && length < minLength) || (maxLength != null && length > maxLength);
}

const wrongItems = (value: unknown[], { items }: Rules): boolean =>
  items != null && value.some((item) => isNumber(item) && !between(item, items));

/** What the browser cannot read of RE2's syntax is left to the server. */
function matches(value: string, pattern: string | null | undefined): boolean {
  if (!pattern) return true;
  try {
    return new RegExp(`^(?:${pattern})$`, "u").test(value);
  } catch {
    return true;
  }
}
