/** Names inside of templates: what refers to a step, or to a param, is rewritten with it. */

import { Exact, isObject, type Json } from "../../api/json";

/** Fields whose whole text is an expression if it has no braces. */
const EXPRESSIONS = new Set(["condition", "until"]);
const IDENTIFIER = /^[A-Za-z_]\w*$/;
/** A text in quotes, a name, or any other character. */
const TOKENS = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[A-Za-z_]\w*|\s+|[\s\S]/g;

export type Root = "steps" | "params";

/** *value* with every `steps.<from>` (or `params.<from>`) in its templates under its new name. */
export function renamedIn<Value extends Json | undefined>(
  value: Value,
  root: Root,
  names: ReadonlyMap<string, string>,
): Value {
  return walked(value, root, names, false) as Value;
}

function walked(
  value: Json | undefined,
  root: Root,
  names: ReadonlyMap<string, string>,
  bare: boolean,
): Json | undefined {
  if (typeof value === "string") return inTemplate(value, root, names, bare);
  if (Array.isArray(value)) {
    const next = value.map((one) => walked(one, root, names, bare) as Json);
    return next.some((one, index) => one !== value[index]) ? next : value;
  }
  if (value instanceof Exact || !isObject(value)) return value;
  const entries = Object.entries(value).map(
    ([key, one]) => [key, walked(one, root, names, EXPRESSIONS.has(key)) as Json] as const,
  );
  return entries.some(([key, one]) => one !== value[key]) ? Object.fromEntries(entries) : value;
}

function inTemplate(
  text: string,
  root: Root,
  names: ReadonlyMap<string, string>,
  bare: boolean,
): string {
  if (!text.includes(root)) return text;
  if (text.includes("{{")) {
    return text.replace(
      /(\{\{)((?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[\s\S])*?)(\}\})/g,
      (_, open, inner, close) => open + inExpression(inner, root, names) + close,
    );
  }
  return bare ? inExpression(text, root, names) : text;
}

function inExpression(text: string, root: Root, names: ReadonlyMap<string, string>): string {
  const tokens = text.match(TOKENS) ?? [];
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i] !== root || previous(tokens, i) === ".") continue;
    rename(tokens, i, names);
  }
  return tokens.join("");
}

function rename(tokens: string[], root: number, names: ReadonlyMap<string, string>): void {
  const first = next(tokens, root);
  const second = next(tokens, first);
  if (tokens[first] === ".") {
    const to = names.get(tokens[second] ?? "");
    if (to === undefined) return;
    if (IDENTIFIER.test(to)) tokens[second] = to;
    else tokens.splice(first, second - first + 1, `["${to}"]`);
  } else if (tokens[first] === "[" && tokens[next(tokens, second)] === "]") {
    const quote = tokens[second]?.[0];
    if (quote !== '"' && quote !== "'") return;
    const to = names.get(tokens[second]?.slice(1, -1) ?? "");
    if (to !== undefined) tokens[second] = quote + to + quote;
  }
}

function next(tokens: string[], index: number): number {
  let found = index + 1;
  while (/^\s/.test(tokens[found] ?? "")) found += 1;
  return found;
}

function previous(tokens: string[], index: number): string | undefined {
  let found = index - 1;
  while (/^\s/.test(tokens[found] ?? "")) found -= 1;
  return tokens[found];
}
