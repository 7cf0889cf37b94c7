/** What two documents say differently, line by line, however they were written. */

import { Exact } from "../api/json";

export type Kind = "same" | "added" | "removed";

export interface Line {
  kind: Kind;
  text: string;
  /** Numbers in the older and in the newer text, from 1; null where it is not. */
  before: number | null;
  after: number | null;
}

export interface Hunk {
  /** Lines that are the same in both and not shown before this one. */
  skipped: number;
  lines: Line[];
}

/** Members that come first where they are: by them one knows what one reads. */
const FIRST = ["id", "name", "type", "action", "description", "version"];

/** One line for each value, members in one order: only what it says makes a difference. */
export function canonicalLines(value: unknown): string[] {
  return linesOf(value, "", "").map((line) => line.trimEnd());
}

function linesOf(value: unknown, indent: string, before: string): string[] {
  if (value === null || typeof value !== "object" || value instanceof Exact) {
    return [indent + before + scalar(value)];
  }
  const list = Array.isArray(value);
  const members: [string, unknown][] = list
    ? value.map((item): [string, unknown] => ["", item])
    : ordered(value as Record<string, unknown>);
  const [open, close] = list ? "[]" : "{}";
  if (members.length === 0) return [`${indent}${before}${open}${close}`];
  const inner = members.flatMap(([name, one], at) => {
    const lines = linesOf(one, `${indent}  `, list ? "" : `${JSON.stringify(name)}: `);
    if (at < members.length - 1) lines[lines.length - 1] += ",";
    return lines;
  });
  return [`${indent}${before}${open}`, ...inner, `${indent}${close}`];
}

const scalar = (value: unknown): string =>
  value instanceof Exact ? value.digits : (JSON.stringify(value) ?? "null");

function ordered(object: Record<string, unknown>): [string, unknown][] {
  const place = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return Object.entries(object).toSorted(
    ([one], [other]) => place(one) - place(other) || (one < other ? -1 : one > other ? 1 : 0),
  );
}

/** The fewest lines that have to go and to come (Myers); same beginnings and ends are cut first. */
export function diff(older: readonly string[], newer: readonly string[]): Line[] {
  let start = 0;
  while (start < Math.min(older.length, newer.length) && older[start] === newer[start]) start++;
  let [endOld, endNew] = [older.length, newer.length];
  while (endOld > start && endNew > start && older[endOld - 1] === newer[endNew - 1]) {
    endOld--;
    endNew--;
  }
  const kinds: Kind[] = [
    ...Array<Kind>(start).fill("same"),
    ...middle(older.slice(start, endOld), newer.slice(start, endNew)),
    ...Array<Kind>(older.length - endOld).fill("same"),
  ];
  return numbered(kinds, older, newer);
}

function numbered(kinds: Kind[], older: readonly string[], newer: readonly string[]): Line[] {
  let [before, after] = [0, 0];
  return kinds.map((kind) => {
    if (kind !== "added") before++;
    if (kind !== "removed") after++;
    return {
      kind,
      text: (kind === "removed" ? older[before - 1] : newer[after - 1]) ?? "",
      before: kind === "added" ? null : before,
      after: kind === "removed" ? null : after,
    };
  });
}

/** Above so many changed lines the search would take seconds: then all go, and all come. */
const MOST_CHANGES = 1_000;

function middle(older: string[], newer: string[]): Kind[] {
  const trace = search(older, newer);
  if (trace === null) {
    return [...older.map((): Kind => "removed"), ...newer.map((): Kind => "added")];
  }
  const kinds: Kind[] = [];
  let [x, y] = [older.length, newer.length];
  for (let changes = trace.length - 1; changes >= 0; changes--) {
    const reached = trace[changes] as Reached;
    const down = reached.goesDown(x - y, changes);
    const from = down ? x - y + 1 : x - y - 1;
    const [startX, startY] = [reached.at(from), reached.at(from) - from];
    while (x > Math.max(startX, 0) && y > Math.max(startY, 0) && older[x - 1] === newer[y - 1]) {
      kinds.push("same");
      x--;
      y--;
    }
    if (changes === 0) break;
    kinds.push(down ? "added" : "removed");
    [x, y] = [startX, startY];
  }
  return kinds.toReversed();
}

/** How far one has come in the older text on each diagonal, which is older minus newer lines. */
class Reached {
  constructor(
    private readonly most: number,
    private readonly furthest = new Int32Array(2 * most + 3).fill(-1),
  ) {}

  at(diagonal: number): number {
    return this.furthest[diagonal + this.most + 1] ?? -1;
  }

  set(diagonal: number, x: number): void {
    this.furthest[diagonal + this.most + 1] = x;
  }

  goesDown(diagonal: number, changes: number): boolean {
    if (diagonal === -changes) return true;
    return diagonal !== changes && this.at(diagonal - 1) < this.at(diagonal + 1);
  }

  /** What can matter later: as many diagonals as there were changes. */
  before(changes: number): Reached {
    const middle = this.most + 1;
    const part = this.furthest.slice(middle - changes - 1, middle + changes + 2);
    return new Reached(changes, part);
  }
}

/** How far one had come before each change; null if there are too many. */
function search(older: string[], newer: string[]): Reached[] | null {
  const most = Math.min(older.length + newer.length, MOST_CHANGES);
  const trace: Reached[] = [];
  const reached = new Reached(most);
  reached.set(1, 0);
  for (let changes = 0; changes <= most; changes++) {
    trace.push(reached.before(changes));
    for (let k = -changes; k <= changes; k += 2) {
      let x = reached.goesDown(k, changes) ? reached.at(k + 1) : reached.at(k - 1) + 1;
      while (x < older.length && x - k < newer.length && older[x] === newer[x - k]) x++;
      reached.set(k, x);
      if (x >= older.length && x - k >= newer.length) return trace;
    }
  }
  return null;
}

/** What changed, with some lines around it. */
export function hunks(lines: readonly Line[], around = 3): Hunk[] {
  const shown = new Set<number>();
  lines.forEach(({ kind }, at) => {
    if (kind === "same") return;
    for (let near = at - around; near <= at + around; near++) shown.add(near);
  });
  const found: Hunk[] = [];
  let last = -1;
  lines.forEach((line, at) => {
    if (!shown.has(at)) return;
    if (found.length === 0 || at > last + 1) found.push({ skipped: at - last - 1, lines: [] });
    found.at(-1)?.lines.push(line);
    last = at;
  });
  return found;
}

export const countOf = (lines: readonly Line[], kind: Kind): number =>
  lines.filter((line) => line.kind === kind).length;
