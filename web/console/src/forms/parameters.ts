/** The parameters of a pipeline as a form shows them, and what it begins with. */

import { isObject } from "../api/json";
import { MASK, type NestedRules, type Param, type Rules, type Values } from "./param";
import { inline } from "./words";

/** What a definition says of a parameter (docs/reference/definition.md). */
export interface Parameter {
  name: string;
  type?: string | null;
  description?: string | null;
  required?: boolean | null;
  default?: unknown;
  enum?: unknown[] | null;
  minimum?: number | null;
  maximum?: number | null;
  min_length?: number | null;
  max_length?: number | null;
  pattern?: string | null;
  format?: string | null;
  items?: Omit<Parameter, "name"> | null;
  properties?: Record<string, Omit<Parameter, "name">> | null;
}

const TYPES: Record<string, string> = {
  string: "string",
  secret: "string",
  integer: "number",
  float: "number",
  boolean: "boolean",
};

/** One field for each parameter of a definition; what is none of its shape is left out. */
export function fieldsOf(parameters: unknown): Param[] {
  if (!Array.isArray(parameters)) return [];
  return parameters.filter(isParameter).map(fieldOf);
}

const isParameter = (one: unknown): one is Parameter =>
  isObject(one) && typeof one.name === "string";

export function fieldOf(parameter: Parameter): Param {
  const type = String(parameter.type ?? "string").toLowerCase();
  const isSecret = type === "secret";
  const given = parameter.default ?? null;
  return {
    name: parameter.name,
    label: parameter.name,
    type: typeOf(type, parameter),
    description: parameter.description ?? null,
    required: parameter.required !== false && given === null,
    default: given,
    options: optionsOf(type, parameter),
    validation: rulesOf(parameter),
    shape: type === "array" || type === "object" ? type : null,
    whole: type === "integer",
    secret: isSecret,
  };
}

function typeOf(type: string, parameter: Parameter): string {
  if (type.endsWith("_ref")) return type;
  if (optionsOf(type, parameter)) return "select";
  return TYPES[type] ?? "json";
}

/** Choices of a list or of an object are told in words: they are typed as JSON. */
function optionsOf(type: string, { enum: choices }: Parameter) {
  if (!choices || !(type in TYPES || type.endsWith("_ref")) || type === "secret") return null;
  if (type === "boolean") return null;
  return choices.map((value) => ({
    value,
    label: typeof value === "string" && value !== "" ? value : inline(value),
  }));
}

function rulesOf(parameter: Omit<Parameter, "name">): Rules {
  return {
    min: parameter.minimum ?? null,
    max: parameter.maximum ?? null,
    minLength: parameter.min_length ?? null,
    maxLength: parameter.max_length ?? null,
    pattern: parameter.pattern ?? null,
    enum: parameter.enum ?? null,
    format: parameter.format ?? null,
    items: parameter.items ? nested(parameter.items) : null,
    properties: parameter.properties
      ? Object.fromEntries(
          Object.entries(parameter.properties).map(([name, one]) => [name, nested(one)]),
        )
      : null,
  };
}

function nested(parameter: Omit<Parameter, "name">): NestedRules {
  const required = parameter.required !== false;
  return { ...rulesOf(parameter), type: parameter.type ?? "string", required };
}

/** The params of an execution, to start another one with: without what only it was given. */
export function valuesAgain(params: Values): Values {
  const kept = Object.entries(params).filter(
    ([name, value]) => name !== "_trigger" && value !== MASK,
  );
  return Object.fromEntries(kept);
}
