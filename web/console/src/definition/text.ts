/** A definition as text, and where in it something stands. */

import { Exact, type Json, print } from "../api/json";
import { isObject, type Members, pointerTo } from "./document";

export type Language = "json" | "yaml";

export interface TextError {
  message: string;
  /** From 1. */
  line: number;
  column: number;
}

export interface Read {
  document: Members;
  /** Where the value at each JSON pointer begins in the text. */
  places: Map<string, number>;
}

export class Unreadable extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
  }
}

export const printJson = (document: Members): string => `${print(document)}\n`;

/** What a JSON text says; all digits and all keys are kept, and nothing is guessed. */
export function readJson(text: string): Read | TextError {
  try {
    const { value, places } = new Reader(text).whole();
    return asDefinition(value, places);
  } catch (error) {
    if (error instanceof Unreadable)
      return { message: error.message, ...lineAt(text, error.offset) };
    throw error;
  }
}

export function asDefinition(value: Json, places: Map<string, number>): Read | TextError {
  if (isObject(value)) return { document: value, places };
  return { message: "A definition is an object: { … }", line: 1, column: 1 };
}

export const isError = (read: Read | TextError): read is TextError => "message" in read;

export function lineAt(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") };
}

const DEEPEST = 200;
const SPACE = /[ \t\r\n]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\n\r]|\\.)*"/y;
const WORD = /[A-Za-z_$][\w$]*/y;

/** Reads JSON as RFC 8259 has it: `JSON.parse` neither says where it stopped nor tells of doubles. */
class Reader {
  private offset = 0;
  private readonly path: (string | number)[] = [];
  private readonly places = new Map<string, number>();

  constructor(private readonly text: string) {}

  whole(): { value: Json; places: Map<string, number> } {
    const value = this.value();
    this.take(SPACE);
    if (this.offset < this.text.length) this.fail("There is more behind the end of the definition");
    return { value, places: this.places };
  }

  private value(): Json {
    this.take(SPACE);
    this.places.set(pointerTo(this.path), this.offset);
    if (this.path.length > DEEPEST) this.fail("This is nested too deep");
    const first = this.text[this.offset];
    if (first === "{") return this.object();
    if (first === "[") return this.list();
    if (first === '"') return this.string();
    return this.number() ?? this.word();
  }

  private object(): Members {
    const entries = new Map<string, Json>();
    this.each("}", () => {
      const start = this.offset;
      if (this.text[start] !== '"') this.fail('A key in double quotes is expected, or "}"');
      const key = this.string();
      if (entries.has(key)) this.fail(`The key “${key}” is there twice`, start);
      this.take(SPACE);
      this.expect(":", `A colon is expected behind the key “${key}”`);
      entries.set(key, this.below(key));
    });
    return Object.fromEntries(entries);
  }

  private list(): Json[] {
    const items: Json[] = [];
    this.each("]", () => {
      items.push(this.below(items.length));
    });
    return items;
  }

  private each(end: "}" | "]", one: () => void): void {
    this.offset += 1;
    this.take(SPACE);
    if (this.text[this.offset] === end) {
      this.offset += 1;
      return;
    }
    for (;;) {
      this.take(SPACE);
      one();
      this.take(SPACE);
      if (this.text[this.offset] === end) break;
      this.expect(",", `A comma is expected, or "${end}"`);
    }
    this.offset += 1;
  }

  private below(part: string | number): Json {
    this.path.push(part);
    const value = this.value();
    this.path.pop();
    return value;
  }

  private string(): string {
    const start = this.offset;
    const found = this.take(STRING);
    if (found === null) this.fail("This text has no end on its line");
    try {
      return JSON.parse(found) as string;
    } catch {
      return this.fail("This text has a character, or an escape, that JSON does not know", start);
    }
  }

  private number(): Json | null {
    const found = this.take(NUMBER);
    if (found === null) return null;
    return exactly(found);
  }

  private word(): Json {
    const start = this.offset;
    const found = this.take(WORD);
    if (found === "true") return true;
    if (found === "false") return false;
    if (found === "null") return null;
    if (found) return this.fail(`“${found}” is no value; texts are in double quotes`, start);
    const here = this.text[start];
    return this.fail(
      here === undefined ? "The text ends too early" : `A value is expected, not ${here}`,
    );
  }

  private take(pattern: RegExp): string | null {
    pattern.lastIndex = this.offset;
    const found = pattern.exec(this.text);
    if (!found) return null;
    this.offset += found[0].length;
    return found[0];
  }

  private expect(character: string, message: string): void {
    if (this.text[this.offset] !== character) {
      this.fail(this.offset < this.text.length ? message : "The text ends too early");
    }
    this.offset += 1;
  }

  private fail(message: string, offset = this.offset): never {
    throw new Unreadable(message, offset);
  }
}

/** A number as a plain one, if that has the same digits. */
export function exactly(digits: string): number | Exact {
  const plain = Number(digits);
  return String(plain) === digits ? plain : new Exact(digits);
}
