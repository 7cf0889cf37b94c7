/** From what is typed to values, and back. What cannot be read says where and why. */

import { print, write } from "../api/json";
import { exactly, isFault, readText } from "../api/jsonText";

/** Why a text is no value; of JSON also where, counted from 1. */
export interface Fault {
  message: string;
  line?: number;
  column?: number;
}

/** `undefined` is what an empty text means: nothing. */
export type Reading = { value: unknown } | { fault: Fault };

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** A number with all its digits; `.5`, `5.` and `+5` are what they look like. */
export function readNumber(text: string): Reading {
  const plain = text
    .trim()
    .replace(/^\+/, "")
    .replace(/\.$/, "")
    .replace(/^(-?)\./, "$10.");
  if (plain === "") return { value: undefined };
  if (!NUMBER.test(plain))
    return { fault: { message: "This is not a number, such as 12 or 0.5." } };
  if (!Number.isFinite(Number(plain))) return { fault: { message: "This number is too large." } };
  return { value: exactly(plain) };
}

export function readJson(text: string): Reading {
  if (text.trim() === "") return { value: undefined };
  const read = readText(text);
  return isFault(read) ? { fault: read } : { value: read.value };
}

/** What a field shows: what was typed as long as it still says the value, or else the value. */
export function shownText(typed: string | null, value: unknown, read: (text: string) => Reading) {
  if (typed !== null) {
    const reading = read(typed);
    if ("value" in reading && write(reading.value) === write(value)) return typed;
  }
  return value === undefined ? "" : print(value);
}
