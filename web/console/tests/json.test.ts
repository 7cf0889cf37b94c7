import { expect, test } from "vitest";
import { Exact, parse, print, write } from "../src/api/json";

test("big integers, long decimals and 1.0 are shown as they came", () => {
  const text = '{"id":3544790567247868102,"n":9007199254740993,"x":0.2345678901234568,"t":1.0}';

  const printed = print(parse(text));

  expect(printed).toContain('"id": 3544790567247868102');
  expect(printed).toContain('"n": 9007199254740993');
  expect(printed).toContain('"x": 0.2345678901234568');
  expect(printed).toContain('"t": 1.0');
});

test("numbers that JavaScript holds are plain numbers, so that one can reckon with them", () => {
  expect(parse('{"page":3,"share":0.5}')).toEqual({ page: 3, share: 0.5 });
  expect(Number(parse("12.0"))).toBe(12);
  expect(parse("9007199254740993")).toBeInstanceOf(Exact);
});

test("each number that would be written otherwise is found, wherever it stands", () => {
  const odd = ["1.0", "1.50", "-0", "1e3", "2E-7", "12345678901234567", "0.1234567890123456789"];
  for (const number of odd) {
    for (const text of [number, `[1,${number}]`, `{"a":1, "b": ${number} }`]) {
      expect(write(parse(text))).toBe(text.replaceAll(" ", ""));
    }
  }
});

test("what is empty stays visible, and texts stay texts", () => {
  expect(print(parse('{"e":"","z":null,"d":{},"l":[]}'))).toBe(
    '{ "e": "", "z": null, "d": {}, "l": [] }',
  );
  expect(print("<img src=x onerror=alert(1)>")).toBe('"<img src=x onerror=alert(1)>"');
});

test("what goes to the API has the digits that came from it", () => {
  const text = '{"id":9007199254740993,"list":[1.0,null,"é\\n"]}';
  expect(write(parse(text))).toBe(text);
  expect(write({ there: 1, not: undefined })).toBe('{"there":1}');
});
