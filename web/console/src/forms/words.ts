/** What fits into a field, in words, before somebody has to find out. */

import { isObject, print } from "../api/json";
import { isNumber, type NestedRules, type Param, type Rules } from "./param";

const EXAMPLES: Record<string, string> = {
  date: "2026-01-31",
  "date-time": "2026-01-31T10:00:00Z",
  time: "10:00:00",
  duration: "PT1H30M",
  email: "ada@example.org",
  uri: "https://example.org/a?b=c",
  uuid: "01a20112-0d5c-7a43-9f0e-6a0f3f6d2b11",
  ipv4: "192.0.2.1",
  ipv6: "2001:db8::1",
  hostname: "example.org",
};

const TYPES: Record<string, string> = {
  string: "text",
  integer: "whole number",
  float: "number",
  boolean: "true or false",
  array: "list",
  object: "object",
  json: "anything",
};

/** `1 to 100`, `at most 50 items`, `such as 2026-01-31`: the limits of a parameter. */
export function limitsOf(param: Param): string {
  const rules = param.validation ?? {};
  const said = param.type === "range" ? rangeLimits(rules) : [...numberLimits(rules)];
  const unit = param.shape === "array" || param.type === "multiselect" ? "item" : "character";
  if (param.whole) said.unshift(said.length > 0 ? "whole," : "a whole number");
  if (param.type !== "range") said.push(...lengthLimits(rules, unit));
  if (rules.format) said.push(`such as ${EXAMPLES[rules.format] ?? rules.format}`);
  if (rules.enum && !param.options) said.push(`one of ${rules.enum.map(inline).join(", ")}`);
  if (rules.pattern && !rules.format) said.push(rules.patternMessage ?? `like ${rules.pattern}`);
  if (rules.items && param.type !== "range") said.push(`each item: ${within(rules.items)}`);
  if (rules.properties) said.push(membersOf(rules.properties));
  return said.join(" ").replace(/ ([;,])/g, "$1");
}

function rangeLimits(rules: Rules): string[] {
  return [...numberLimits(rules.items ?? rules)].map((limit) => `both ${limit}`);
}

function numberLimits({ min, max }: Rules): string[] {
  const [least, most] = [min, max].map((limit) => (limit == null ? null : String(Number(limit))));
  if (least && most) return [`${least} to ${most}`];
  if (least) return [`at least ${least}`];
  return most ? [`at most ${most}`] : [];
}

function lengthLimits({ minLength, maxLength }: Rules, unit: string): string[] {
  const many = (count: number) => `${count} ${unit}${count === 1 ? "" : "s"}`;
  if (minLength != null && maxLength != null) {
    return [minLength === maxLength ? many(minLength) : `${minLength} to ${many(maxLength)}`];
  }
  if (minLength != null) return [`at least ${many(minLength)}`];
  return maxLength != null ? [`at most ${many(maxLength)}`] : [];
}

/** What a value inside of another one has to be. */
function within(rules: NestedRules): string {
  const type = TYPES[rules.type ?? "string"] ?? rules.type ?? "text";
  const unit = rules.type === "array" ? "item" : "character";
  const limits = [...numberLimits(rules), ...lengthLimits(rules, unit)];
  if (rules.enum) limits.push(`one of ${rules.enum.map(inline).join(", ")}`);
  if (rules.format) limits.push(rules.format);
  if (rules.items) limits.push(`of ${within(rules.items)}`);
  if (rules.properties) return membersOf(rules.properties);
  return limits.length > 0 ? `${type} (${limits.join(", ")})` : type;
}

function membersOf(properties: Record<string, NestedRules>): string {
  const members = Object.entries(properties).map(
    ([name, rules]) => `${name}${rules.required === false ? "?" : ""}: ${within(rules)}`,
  );
  return `{ ${members.join(", ")} }`;
}

const LONGEST = 60;

/** A value on one line, cut if it is long. */
export function inline(value: unknown): string {
  const written = print(value).replace(/\s*\n\s*/g, " ");
  return written.length > LONGEST ? `${written.slice(0, LONGEST)}…` : written;
}

/** What is to be said of a value that an input alone does not show; null if it does. */
export function kindOfNothing(value: unknown): string | null {
  if (value === null) return "null";
  if (value === "") return "empty text";
  if (Array.isArray(value) && value.length === 0) return "empty list";
  if (isObject(value) && Object.keys(value).length === 0) return "empty object";
  return null;
}

export const typeWord = (value: unknown): string => {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (isNumber(value)) return "a number";
  return { string: "a text", boolean: "true or false" }[typeof value as string] ?? "an object";
};
