import { expect, test } from "vitest";
import { Exact, type Members, parse } from "../../src/api/json";
import { isFault } from "../../src/api/jsonText";
import { canonical } from "../../src/definition/document";
import { printJson, type Read, readJson } from "../../src/definition/text";
import { printYaml, readYaml } from "../../src/definition/yaml";

const NUMBERS =
  '{"id":3544790567247868102,"n":9007199254740993,"x":0.23456789012345678901,"e":"","z":null,"t":1.0,"d":{},"l":[],"p":-1e400,"s":"1.0","y":"yes","c":"a: b # no comment","w":" x\\n- y\\n"}';

test("digits, empty things and texts that look like others survive both ways of writing", () => {
  const document = parse(NUMBERS) as Members;

  for (const [print, read] of [
    [printJson, readJson],
    [printYaml, readYaml],
  ] as const) {
    const again = read(print(document)) as Read;
    expect(canonical(again.document)).toBe(canonical(document));
  }
});

test("JSON is read as the API reads it", () => {
  const read = readJson(NUMBERS) as Read;
  expect(canonical(read.document)).toBe(canonical(parse(NUMBERS) as Members));
  expect(read.document.n).toEqual(new Exact("9007199254740993"));
});

test.each([
  ['{"a": 1,\n "b": }', 2, 7, "A value is expected"],
  ['{"a": 1,}', 1, 9, "a comma too many"],
  ["{a: 1}", 1, 2, "A key in double quotes"],
  ['{"a" 1}', 1, 6, "A colon is expected"],
  ["{\"a\": 'b'}", 1, 7, "in double quotes"],
  ['{"a": 1 // no', 1, 9, "A comma is expected"],
  ['{"a": # no', 1, 7, "no comments"],
  ['{"a": 1\n "b": 2}', 2, 2, "A comma is expected"],
  ['{"a": [1, 2', 1, 12, "ends too early"],
  ['{"a": nil}', 1, 7, "“nil” is no value"],
  ['{"a": 1, "a": 2}', 1, 10, "there twice"],
  ['{"a": "b\n"}', 1, 7, "no end on its line"],
  ['{"a": 1} x', 1, 10, "more behind"],
  ["[1]", 1, 1, "is an object"],
  ["", 1, 1, "ends too early"],
  ['{"a": 01}', 1, 8, "A comma is expected"],
  ['{"a": "\\x"}', 1, 7, "escape"],
])("%j is refused with its place", (text, line, column, message) => {
  const read = readJson(text);
  expect(isFault(read) && read).toMatchObject({ line, column });
  expect(isFault(read) && read.message).toContain(message);
});

test("YAML is refused with its place", () => {
  const read = readYaml("name: a\nsteps:\n  - id: [\n");
  expect(isFault(read) && read.line).toBeGreaterThan(2);
  expect(isFault(readYaml("a: .nan"))).toBe(true);
  expect(isFault(readYaml("a: 1\na: 2"))).toBe(true);
  expect(isFault(readYaml("- a"))).toBe(true);
});

test("what aliases stand for is written out, and keys are texts", () => {
  const read = readYaml("base: &b {x: 012, y: 0x1F}\nother: *b\n1: one\n") as Read;
  expect(read.document).toEqual({ base: { x: 12, y: 31 }, other: { x: 12, y: 31 }, "1": "one" });
});

test("each place of a text is known by its pointer", () => {
  const text = '{"steps": [{"id": "a/b"}], "a/b": 1}';
  const { places } = readJson(text) as Read;
  expect(text.slice(places.get("/steps/0/id"))).toMatch(/^"a\/b"/);
  expect(text.slice(places.get("/a~1b"))).toBe("1}");
  const yaml = readYaml("steps:\n  - id: x\n") as Read;
  expect(yaml.places.get("/steps/0/id")).toBe(15);
});
