/** JSON whose numbers keep their digits: JavaScript's own would make 9007199254740993 an even one. */

/** A number that JavaScript cannot hold as it was written, such as a big integer or `1.0`. */
export class Exact {
  constructor(readonly digits: string) {}

  valueOf(): number {
    return Number(this.digits);
  }

  toString(): string {
    return this.digits;
  }
}

export type Json = null | boolean | number | string | Exact | Json[] | Members;
export type Members = { [key: string]: Json };

export const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Exact);

/** What belongs to a name that anybody may have chosen: `constructor` is one, too. */
export const own = <Value>(
  all: Readonly<Record<string, Value>>,
  name: string,
): Value | undefined => (Object.hasOwn(all, name) ? all[name] : undefined);

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;
const parseWith = JSON.parse as (text: string, reviver: Reviver) => unknown;

/** Where a number may be that JavaScript writes otherwise; it may be one in a text, too. */
const AT_RISK =
  /(?:^|[:[,])\s*(?:-?\d[\d.]{15,}|-?\d+\.\d*0|-?\d[\d.]*[eE][+-]?\d+|-0)(?=\s*(?:[,\]}]|$))/;

export function parse(text: string): unknown {
  // To look at each value costs ten times more than to read it, and there is seldom a need.
  if (!AT_RISK.test(text)) return JSON.parse(text);
  return parseWith(text, (_, value, context) => {
    const source = context?.source;
    if (typeof value !== "number" || source === undefined || String(value) === source) return value;
    return new Exact(source);
  });
}

/** Write JSON for the API, with the digits that came. What is undefined is left out. */
export function write(value: unknown): string {
  if (value instanceof Exact) return value.digits;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  const parts = Object.entries(value).filter(([, one]) => one !== undefined);
  return `{${parts.map(([key, one]) => `${JSON.stringify(key)}:${write(one)}`).join(",")}}`;
}

/** Write JSON for people, with the digits that came. Objects that are short stay on one line. */
export function print(value: unknown, indent = ""): string {
  if (value instanceof Exact) return value.digits;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const inner = `${indent}  `;
  const list = Array.isArray(value);
  const [open, close] = list ? "[]" : "{}";
  const parts = list
    ? value.map((one) => print(one, inner))
    : Object.entries(value).map(([key, one]) => `${JSON.stringify(key)}: ${print(one, inner)}`);
  if (parts.length === 0) return `${open}${close}`;
  const line = list ? `[${parts.join(", ")}]` : `{ ${parts.join(", ")} }`;
  if (line.length + indent.length <= 44 && !line.includes("\n")) return line;
  return `${open}\n${parts.map((part) => inner + part).join(",\n")}\n${indent}${close}`;
}
