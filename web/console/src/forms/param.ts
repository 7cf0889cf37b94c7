/** What a form knows of a parameter, and which parameters it shows. */

import { Exact, isObject, own } from "../api/json";

export interface Option {
  value: unknown;
  label: string;
}

/** A number of the API; `1.0` comes as an object that keeps its digits. */
export type Limit = number | Exact;

export interface Rules {
  min?: Limit | null;
  max?: Limit | null;
  minLength?: number | null;
  maxLength?: number | null;
  pattern?: string | null;
  patternMessage?: string | null;
  enum?: readonly unknown[] | null;
  format?: string | null;
  items?: NestedRules | null;
  properties?: Record<string, NestedRules> | null;
}

export interface NestedRules extends Rules {
  type?: string;
  required?: boolean;
}

export interface Visibility {
  param: string;
  equals?: unknown;
  notEquals?: unknown;
}

/** A parameter of an action, as `GET /actions` tells it; those of pipelines are made into such. */
export interface Param {
  name: string;
  label: string;
  /** One of the sixteen that actions have; another one is edited as JSON. */
  type: string;
  description?: string | null;
  required?: boolean;
  /** What counts if it is left out; null and undefined are none. */
  default?: unknown;
  placeholder?: string | null;
  group?: string | null;
  options?: readonly Option[] | null;
  validation?: Rules | null;
  visibleWhen?: Visibility | null;
  shape?: "array" | "object" | null;
  /** Of a number: it has no fraction. */
  whole?: boolean;
  /** Nobody sees what is typed. */
  secret?: boolean;
}

/** JSON by the names of parameters. What is left out has no key: null is a value. */
export type Values = Readonly<Record<string, unknown>>;

/** What the store shows in the place of a secret; it is never sent back. */
export const MASK = "***REDACTED***";

export const isTemplated = (value: unknown): value is string =>
  typeof value === "string" && value.includes("{{");

export const isNumber = (value: unknown): value is Limit =>
  typeof value === "number" || value instanceof Exact;

export const hasDefault = (param: Param): boolean =>
  param.default !== undefined && param.default !== null;

/** Whether two values are the same JSON: 1 is 1.0, and big integers differ by any digit. */
export function same(one: unknown, other: unknown): boolean {
  if (isNumber(one) && isNumber(other)) {
    const near = Number(one) === Number(other) && Math.abs(Number(one)) <= Number.MAX_SAFE_INTEGER;
    return near || String(one) === String(other);
  }
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, at) => same(item, other[at]));
  }
  if (isObject(one) && isObject(other)) {
    const names = Object.keys(one);
    return (
      names.length === Object.keys(other).length &&
      names.every((name) => Object.hasOwn(other, name) && same(one[name], other[name]))
    );
  }
  return one === other;
}

/** Whether a parameter is shown beside these values: as the engine decides whether to check it. */
export function isShown(param: Param, params: readonly Param[], values: Values): boolean {
  const rule = param.visibleWhen;
  if (!rule) return true;
  const other = params.find(({ name }) => name === rule.param);
  const value = own(values, rule.param) ?? other?.default ?? null;
  if (isTemplated(value)) return true; // known only when the step runs
  if (rule.equals != null && !same(value, rule.equals)) return false;
  return rule.notEquals == null || !same(value, rule.notEquals);
}

export interface Group {
  /** Null for those that stand first, without a heading. */
  heading: string | null;
  params: Param[];
}

/** The parameters below their headings, in the order in which these first come. */
export function groupsOf(params: readonly Param[]): Group[] {
  const groups = new Map<string | null, Param[]>([[null, []]]);
  for (const param of params) {
    const heading = param.group || null;
    groups.set(heading, [...(groups.get(heading) ?? []), param]);
  }
  return [...groups]
    .filter(([, members]) => members.length > 0)
    .map(([heading, members]) => ({ heading, params: members }));
}

/** The names of values that belong to no parameter: they are kept, and shown. */
export function strangers(params: readonly Param[], values: Values): string[] {
  const known = new Set(params.map(({ name }) => name));
  return Object.keys(values).filter((name) => !known.has(name));
}

/** The same values with another one; undefined leaves it out. */
export function withValue(values: Values, name: string, value: unknown): Values {
  if (value !== undefined) return { ...values, [name]: value };
  const { [name]: _, ...rest } = values;
  return rest;
}
