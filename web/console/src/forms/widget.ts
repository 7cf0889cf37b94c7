/** Which input edits a value: that of its parameter's type, where the value fits into it. */

import { isObject } from "../api/json";
import { isNumber, isTemplated, type Param } from "./param";

export type Kind =
  | "text"
  | "number"
  | "boolean"
  | "select"
  | "multiselect"
  | "range"
  | "branches"
  | "reference"
  | "secret"
  | "json"
  | "template";

const KINDS: Record<string, Kind> = {
  string: "text",
  template: "text",
  number: "number",
  boolean: "boolean",
  select: "select",
  multiselect: "multiselect",
  json: "json",
  branches: "branches",
  range: "range",
};

const FITS: Partial<Record<Kind, (value: unknown) => boolean>> = {
  text: (value) => typeof value === "string",
  secret: (value) => typeof value === "string",
  reference: (value) => typeof value === "string",
  number: isNumber,
  boolean: (value) => typeof value === "boolean",
  multiselect: Array.isArray,
  range: (value) => Array.isArray(value) && value.length === 2 && value.every(isNumber),
  branches: (value) => Array.isArray(value) && value.every(isObject),
};

/** The input of the type, whatever the value. */
export function kindOf(param: Param): Kind {
  if (param.secret) return "secret";
  if (param.type.endsWith("_ref")) return param.options ? "select" : "reference";
  return KINDS[param.type] ?? "json";
}

/** The same, but JSON for a value that the input could not show whole: nothing is lost by looking. */
export function inputFor(param: Param, value: unknown, templates: boolean): Kind {
  const kind = kindOf(param);
  if (templates && kind !== "text" && isTemplated(value)) return "template";
  if (value === undefined || value === null) return kind;
  return (FITS[kind]?.(value) ?? true) ? kind : "json";
}

/** Whether a template takes the place of the input, or is written right into it. */
export const canSwitch = (param: Param): boolean => kindOf(param) !== "text";
