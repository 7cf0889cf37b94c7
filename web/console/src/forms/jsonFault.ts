/** Where a text is no JSON, and why. */

export interface Fault {
  message: string;
  /** Of JSON: where, counted from 1. */
  line?: number;
  column?: number;
}

/** The place of the first fault of a text that is no JSON; browsers say it in different ways. */
export function faultIn(text: string): Fault {
  const scanner = new Scanner(text);
  const message = scanner.document() ?? "This is no JSON.";
  const before = text.slice(0, scanner.at).split("\n");
  return { message, line: before.length, column: (before.at(-1) ?? "").length + 1 };
}

const WORD = /(true|false|null)(?![\w$])/y;
const DIGITS = /-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?(?![\w.])/y;
// A control character sorts below the space.
const STRING = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

/** Reads until something is wrong: then `at` is the place, and what is returned says why. */
class Scanner {
  at = 0;

  constructor(private readonly text: string) {}

  document(): string | null {
    return this.one("a value") ?? (this.next() === "" ? null : "Something follows the value.");
  }

  private one(wanted: string): string | null {
    const next = this.next();
    if (next === "{") return this.all("}", "member");
    if (next === "[") return this.all("]", "item");
    if (this.takes(WORD) || this.takes(DIGITS) || this.takes(STRING)) return null;
    if (next === "") return `The text ends where ${wanted} should be.`;
    if (next === '"') return "This text has no end, or holds a line break or a wrong \\ sign.";
    if (next === "'") return 'Texts stand in double quotes: "…".';
    if (next === "/" || next === "#") return "JSON has no comments.";
    return `Here should be ${wanted}.`;
  }

  private all(close: string, what: "member" | "item"): string | null {
    this.at++;
    if (this.next() === close) return this.step();
    for (;;) {
      const problem = what === "member" ? this.member() : this.one("an item");
      if (problem !== null) return problem;
      const next = this.next();
      if (next === close) return this.step();
      if (next === "") return `The text ends before ${close}.`;
      if (next !== ",") return `Here should be a comma or ${close}.`;
      this.at++;
      if (this.next() === close) return `There is a comma too many before ${close}.`;
    }
  }

  private member(): string | null {
    const next = this.next();
    if (next !== '"')
      return this.one("a name in double quotes") ?? "A name stands in double quotes.";
    if (!this.takes(STRING)) return this.one("a name");
    if (this.next() !== ":") return "Here should be a colon.";
    this.at++;
    return this.one("a value");
  }

  private step(): null {
    this.at++;
    return null;
  }

  private next(): string {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) this.at++;
    return this.text[this.at] ?? "";
  }

  private takes(token: RegExp): boolean {
    token.lastIndex = this.at;
    if (!token.test(this.text)) return false;
    this.at = token.lastIndex;
    return true;
  }
}
