import { expect, test } from "vitest";
import { parse } from "../src/api/json";
import { canonicalLines, countOf, diff, hunks, type Line } from "../src/pipeline/diff";

const text = (lines: Line[]) =>
  lines.map(({ kind, text }) => ({ same: " ", added: "+", removed: "-" })[kind] + text).join("");

const of = (older: string, newer: string) => diff([...older], [...newer]);

test("the order in which members were written makes no difference, and digits do", () => {
  const lines = (json: string) => canonicalLines(parse(json));

  expect(lines('{"b":[],"name":"n","a":{"x":null}}')).toEqual(
    lines('{"a":{"x":null},"b":[],"name":"n"}'),
  );
  expect(lines('{"b":[],"name":"n","a":{"x":null}}')).toEqual([
    "{",
    '  "name": "n",',
    '  "a": {',
    '    "x": null',
    "  },",
    '  "b": []',
    "}",
  ]);
  expect(lines("[9007199254740993]")).not.toEqual(lines("[9007199254740992]"));
});

test("as few lines as can be go and come", () => {
  expect(text(of("abcabba", "cbabac"))).toHaveLength(2 * (4 + 5));
  expect(countOf(of("abcabba", "cbabac"), "same")).toBe(4);
  expect(text(of("abc", "abc"))).toBe(" a b c");
  expect(text(of("ac", "abc"))).toBe(" a+b c");
  expect(text(of("abc", "ac"))).toBe(" a-b c");
  expect(text(of("", "ab"))).toBe("+a+b");
  expect(text(of("ab", ""))).toBe("-a-b");
  expect(of("", "")).toEqual([]);
});

test("both texts can be read from the lines, whatever they are", () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  for (let round = 0; round < 200; round++) {
    const [older, newer] = [0, 0].map(() =>
      Array.from({ length: random(12) }, () => "abc"[random(3)] as string),
    ) as [string[], string[]];
    const lines = diff(older, newer);

    expect(lines.filter(({ before }) => before !== null).map(({ text }) => text)).toEqual(older);
    expect(lines.filter(({ after }) => after !== null).map(({ text }) => text)).toEqual(newer);
  }
});

test("lines that are the same are folded, but for some around what is not", () => {
  const older = Array.from({ length: 30 }, (_, at) => `line ${at}`);
  const newer = older.toSpliced(10, 1, "another").toSpliced(25, 0, "new");
  const found = hunks(diff(older, newer), 2);

  expect(found.map(({ skipped, lines }) => [skipped, lines.length])).toEqual([
    [8, 6],
    [10, 5],
  ]);
  expect(found[0]?.lines[2]).toEqual({ kind: "removed", text: "line 10", before: 11, after: null });
  expect(hunks(diff(older, older))).toEqual([]);
});

test("two texts with nothing in common are told in no time", () => {
  const [older, newer] = ["a", "b"].map((word) =>
    Array.from({ length: 4_000 }, (_, at) => word + at),
  );
  const lines = diff(older as string[], newer as string[]);

  expect(countOf(lines, "removed")).toBe(4_000);
  expect(countOf(lines, "added")).toBe(4_000);
});
