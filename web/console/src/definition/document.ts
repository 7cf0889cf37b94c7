/** Places in a definition, and how a value is read and replaced there. Nothing is changed in place. */

import { Exact, isObject, type Json, type Members } from "../api/json";
import type { Path } from "../api/pointer";

export const listOf = (value: unknown): Json[] => (Array.isArray(value) ? value : []);

/** What stands at *path*; undefined if there is no such place. */
export function at(value: unknown, path: Path): Json | undefined {
  let here = value as Json | undefined;
  for (const part of path) {
    if (Array.isArray(here)) here = here[Number(part)];
    else if (isObject(here) && Object.hasOwn(here, part)) here = here[part];
    else return undefined;
  }
  return here;
}

/** The same with another value at *path*; undefined takes away what is there. */
export function put<Value extends Json>(value: Value, path: Path, next: Json | undefined): Value {
  return replaced(value, path, next) as Value;
}

function replaced(value: Json | undefined, path: Path, next: Json | undefined): Json | undefined {
  const [part, ...rest] = path;
  if (part === undefined) return next;
  if (Array.isArray(value) || (value === undefined && typeof part === "number")) {
    return withItem(value ?? [], Number(part), rest, next);
  }
  return withMember(isObject(value) ? value : {}, String(part), rest, next);
}

function withItem(list: Json[], index: number, rest: Path, next: Json | undefined): Json[] {
  const one = replaced(list[index], rest, next);
  if (one === list[index] && index < list.length) return list;
  const copy = [...list];
  if (one === undefined) copy.splice(index, 1);
  else copy[index] = one;
  return copy;
}

function withMember(object: Members, key: string, rest: Path, next: Json | undefined): Members {
  const before = Object.hasOwn(object, key) ? object[key] : undefined;
  const one = replaced(before, rest, next);
  if (one === before) return object;
  if (one !== undefined) {
    // A key may be `__proto__`: spreading and a computed key keep it as any other.
    return { ...object, [key]: one };
  }
  const { [key]: _, ...others } = object;
  return others;
}

const written = new WeakMap<object, string>();

/** One text for all ways to write the same: by it one sees whether something is saved. */
export function canonical(value: Json): string {
  if (value instanceof Exact) return value.digits;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const known = written.get(value);
  if (known !== undefined) return known;
  const text = Array.isArray(value) ? `[${value.map(canonical).join(",")}]` : ofObject(value);
  written.set(value, text);
  return text;
}

function ofObject(object: Members): string {
  const keys = Object.keys(object).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(object[key] as Json)}`).join(",")}}`;
}
