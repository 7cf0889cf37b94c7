/** JSON as somebody types it: what it says, where in the text it says so, and where it is wrong. */

import { Exact, type Json } from "./json";
import { pointerTo } from "./pointer";

/** Why a text cannot be read; line and column count from 1. */
export interface TextFault {
  message: string;
  line: number;
  column: number;
}

export interface ReadText {
  value: Json;
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

/** What a text says; all digits and all keys are kept, and nothing is guessed. */
export const readText = (text: string): ReadText | TextFault =>
  orFault(text, () => new Reader(text).whole());

export const isFault = (read: object): read is TextFault => "message" in read;

/** What *read* makes of a text, or why it cannot. */
export function orFault<Result>(text: string, read: () => Result): Result | TextFault {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { message: error.message, ...lineAt(text, error.offset) };
  }
}

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

  whole(): ReadText {
    const value = this.value();
    this.take(SPACE);
    if (this.offset < this.text.length) this.fail("There is more behind the end");
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

  private object(): Json {
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
      this.take(SPACE);
      if (this.text[this.offset] === end) this.fail(`There is a comma too many before "${end}"`);
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
    return this.fail(insteadOfValue(this.text[start]));
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

function insteadOfValue(here: string | undefined): string {
  if (here === undefined) return "The text ends too early";
  if (here === "'") return 'Texts are in double quotes: "…"';
  if (here === "/" || here === "#") return "JSON has no comments";
  return `A value is expected, not ${here}`;
}

/** A number as a plain one, if that has the same digits. */
export function exactly(digits: string): number | Exact {
  const plain = Number(digits);
  return String(plain) === digits ? plain : new Exact(digits);
}
