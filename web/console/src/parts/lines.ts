/** Texts of form fields that hold more than one thing: lines, JSON, numbers. */

import { print } from "../api/json";
import { readJson } from "../forms/text";

/** One in each line; empty ones do not count. */
export const linesOf = (typed: string): string[] =>
  typed
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);

export type ReadObject = { value: Record<string, unknown> | null } | { problem: string };

/** A JSON object as it is typed; null if nothing is. Says where it cannot be read. */
export function objectOf(typed: string): ReadObject {
  const read = readJson(typed);
  if ("fault" in read) {
    const { message, line, column } = read.fault;
    return { problem: `Line ${line}, column ${column}: ${message}` };
  }
  const { value } = read;
  if (value === undefined) return { value: null };
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    return { problem: "This has to be an object: {…}." };
  }
  return { value: value as Record<string, unknown> };
}

export const textOf = (value: Record<string, unknown> | null): string =>
  value === null || Object.keys(value).length === 0 ? "" : print(value);

/** A number as it is typed; what is none is sent as it is, for the API to refuse. */
export function numberOf(typed: string): number | string | null {
  const trimmed = typed.trim();
  if (trimmed === "") return null;
  return /^-?\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : trimmed;
}

/** A number of the API in a field. */
export const typedOf = (value: unknown): string =>
  value === null || value === undefined ? "" : String(Number(value));
