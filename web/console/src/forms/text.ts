/** From what is typed to values, and back. What cannot be read says where and why. */

import { Exact, parse, print, write } from "../api/json";
import { type Fault, faultIn } from "./jsonFault";

export type { Fault } from "./jsonFault";

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
  const number = Number(plain);
  if (!Number.isFinite(number)) return { fault: { message: "This number is too large." } };
  return { value: String(number) === plain ? number : new Exact(plain) };
}

export function readJson(text: string): Reading {
  if (text.trim() === "") return { value: undefined };
  try {
    return { value: parse(text) };
  } catch {
    return { fault: faultIn(text) };
  }
}

/** What a field shows: what was typed as long as it still says the value, or else the value. */
export function shownText(typed: string | null, value: unknown, read: (text: string) => Reading) {
  if (typed !== null) {
    const reading = read(typed);
    if ("value" in reading && write(reading.value) === write(value)) return typed;
  }
  return value === undefined ? "" : print(value);
}
