import { expect, test } from "vitest";
import { Problem } from "../src/api/client";
import { own, parse, write } from "../src/api/json";
import { groupsOf, isShown, type Param, same, strangers, withValue } from "../src/forms/param";
import { fieldOf, fieldsOf, valuesAgain } from "../src/forms/parameters";
import { faultOf, problemsOf, stillTrue } from "../src/forms/problems";
import { completed, matching, placeAt } from "../src/forms/templates";
import { readJson, readNumber, shownText } from "../src/forms/text";
import { inputFor } from "../src/forms/widget";
import { kindOfNothing, limitsOf } from "../src/forms/words";

const a = (param: Partial<Param>): Param => ({ name: "p", label: "P", type: "string", ...param });

test("numbers keep their digits, and a text that is none says so", () => {
  const written = (text: string) => {
    const reading = readNumber(text);
    return "fault" in reading ? "fault" : write(reading.value);
  };

  expect(written("9007199254740993")).toBe("9007199254740993");
  expect(written("0.2345678901234568901")).toBe("0.2345678901234568901");
  expect([".5", "+5", "5.", "-.5", "0", " 7 ", "1e3"].map(written)).toEqual([
    "0.5",
    "5",
    "5",
    "-0.5",
    "0",
    "7",
    "1e3",
  ]);
  expect(["007", "1,5", "0x1", "NaN", "1e999"].map(written)).toEqual(Array(5).fill("fault"));
  expect(readNumber(" ")).toEqual({ value: undefined });
});

test("absent, null, empty text, empty object, 0 and false are kept apart", () => {
  expect(write(withValue({ a: 1 }, "a", undefined))).toBe("{}");
  expect(write(withValue({}, "a", null))).toBe('{"a":null}');
  expect(write(withValue({}, "a", ""))).toBe('{"a":""}');
  expect([null, "", [], {}, 0, false].map(kindOfNothing)).toEqual([
    "null",
    "empty text",
    "empty list",
    "empty object",
    null,
    null,
  ]);
  expect(faultOf(a({ type: "boolean", required: true }), false, false)).toBeNull();
  expect(faultOf(a({ type: "number", required: true }), 0, false)).toBeNull();
});

test("a fault in JSON has a line, a column and a reason", () => {
  const text = '{\n  "a": 1,\n}';
  const message = 'There is a comma too many before "}"';
  expect(readJson(text)).toEqual({ fault: { message, line: 3, column: 1 } });
  expect(readJson("")).toEqual({ value: undefined });
  expect(readJson("null")).toEqual({ value: null });
});

test("what was typed stands as long as it says the value", () => {
  expect(shownText('{ "a":1 }', { a: 1 }, readJson)).toBe('{ "a":1 }');
  expect(shownText('{ "a":1 }', { a: 2 }, readJson)).toBe('{ "a": 2 }');
  expect(shownText(null, undefined, readJson)).toBe("");
});

test("a parameter is shown as the engine would check it", () => {
  const params = [
    a({ name: "wait", type: "boolean", default: true }),
    a({ name: "keys", type: "json", default: [] }),
  ];
  const unless = a({ visibleWhen: { param: "wait", equals: null, notEquals: false } });
  const only = a({ visibleWhen: { param: "keys", equals: [], notEquals: null } });

  expect(isShown(unless, params, {})).toBe(true);
  expect(isShown(unless, params, { wait: false })).toBe(false);
  expect(isShown(unless, params, { wait: "{{ params.w }}" })).toBe(true);
  expect(isShown(only, params, {})).toBe(true);
  expect(isShown(only, params, { keys: ["x"] })).toBe(false);
});

test("values are the same by what they are in JSON", () => {
  expect(same(parse("1.0"), 1)).toBe(true);
  expect(same(parse("9007199254740993"), parse("9007199254740992"))).toBe(false);
  expect(same({ a: [1], b: null }, { b: null, a: [1] })).toBe(true);
  expect(same(1, true)).toBe(false);
});

test("groups stand in the order of their first members, and unknown values are named", () => {
  const params = [a({ name: "x", group: "G" }), a({ name: "y" }), a({ name: "z", group: "G" })];

  expect(groupsOf(params).map((group) => [group.heading, group.params.length])).toEqual([
    [null, 1],
    ["G", 2],
  ]);
  expect(strangers(params, { x: 1, other: 2 })).toEqual(["other"]);
});

test("a value that its input cannot show whole is edited as JSON", () => {
  expect(inputFor(a({}), ["a"], false)).toBe("json");
  expect(inputFor(a({ type: "number" }), "5", false)).toBe("json");
  expect(inputFor(a({ type: "number" }), "{{ params.n }}", true)).toBe("template");
  expect(inputFor(a({ type: "number" }), parse("9007199254740993"), true)).toBe("number");
  expect(inputFor(a({ type: "range" }), [1, 2], false)).toBe("range");
  expect(inputFor(a({ type: "model_ref" }), undefined, false)).toBe("reference");
  expect(inputFor(a({ type: "of_tomorrow" }), 1, false)).toBe("json");
});

test("names are completed where a template is open, and braces are closed once", () => {
  const names = [{ name: "params.region" }, { name: "steps.fetch.outputs.body" }];
  const text = "Hello {{ par, {{ x }}";
  const place = placeAt(text, 12);

  expect(place).toMatchObject({ from: 9, written: "par" });
  expect(matching(names, "par").map(({ name }) => name)).toEqual(["params.region"]);
  expect(matching(names, "body")).toHaveLength(1);
  expect(place && completed(text, place, "params.region")).toEqual([
    "Hello {{ params.region }}, {{ x }}",
    25,
  ]);
  expect(
    completed("{{ ste }}", { from: 3, to: 6, written: "ste", inside: true }, "steps.a"),
  ).toEqual(["{{ steps.a }}", 10]);
  expect(placeAt("{{ a }} b", 9)).toBeNull();
});

test("a parameter of a pipeline becomes the field of its type", () => {
  const servers = fieldOf({
    name: "servers",
    type: "array",
    min_length: 1,
    items: {
      type: "object",
      properties: { port: { type: "integer", minimum: 1, maximum: 65535, required: false } },
    },
  });

  expect(servers).toMatchObject({ type: "json", shape: "array", required: true });
  expect(limitsOf(servers)).toBe("at least 1 item each item: { port?: whole number (1 to 65535) }");
  expect(fieldOf({ name: "n", type: "integer", default: 0 })).toMatchObject({
    type: "number",
    whole: true,
    required: false,
    default: 0,
  });
  expect(fieldOf({ name: "e", enum: ["a", null] }).options?.map(({ label }) => label)).toEqual([
    "a",
    "null",
  ]);
  expect(fieldOf({ name: "s", type: "secret" })).toMatchObject({ secret: true });
  expect(fieldOf({ name: "m", type: "model_ref" }).type).toBe("model_ref");
  expect(fieldsOf([{ name: "ok" }, "broken", null])).toHaveLength(1);
});

test("an execution's params start another one, without masks and what started the first", () => {
  const params = parse(
    '{"n": 9007199254740993, "t": "***REDACTED***", "_trigger": {}, "e": ""}',
  ) as Record<string, unknown>;

  expect(write(valuesAgain(params))).toBe('{"n":9007199254740993,"e":""}');
});

test("problems of the API stand at their fields, with the place inside of the value", () => {
  const told = {
    errors: [
      {
        pointer: "/params/servers/2/port",
        code: "too_large",
        message: "params.servers.2.port: too large",
      },
      { pointer: "/params/a~1b", code: "required", message: "Field required" },
      { pointer: "/pipeline_id", code: "required", message: "missing" },
    ],
  };

  expect(problemsOf(new Problem(422, "invalid_params", "no", told))).toEqual([
    { name: "servers", path: "2/port", code: "too_large", message: "too large" },
    { name: "a/b", code: "required", message: "Field required" },
    { name: "", code: "required", message: "missing" },
  ]);
});

test("a problem stands until its field says something else", () => {
  const problems = [
    { name: "a", message: "too small" },
    { name: "", message: "all of it" },
  ];

  expect(stillTrue(problems, { a: 1 }, { a: 1, b: 2 })).toHaveLength(2);
  expect(stillTrue(problems, { a: 1 }, { a: 2 })).toEqual([{ name: "", message: "all of it" }]);
});

test("limits of the browser are those of the engine, and templates are believed", () => {
  const share = a({ type: "number", validation: { min: 0, max: 1 } });

  expect(faultOf(share, 0.7, false)).toBeNull();
  expect(faultOf(share, 1.5, false)).toBe("This has to be 0 to 1.");
  expect(faultOf(a({ type: "number" }), "{{ x }}", true)).toBeNull();
  expect(faultOf(a({ validation: { pattern: "v[0-9]+" } }), "v1x", false)).toContain(
    "like v[0-9]+",
  );
  expect(faultOf(a({ validation: { pattern: "(?s).*x" } }), "y", false)).toBeNull();
  expect(faultOf(a({ required: true }), undefined, false)).toBe("This is needed.");
  expect(faultOf(a({ required: true, default: "d" }), undefined, false)).toBeNull();
});

test("parameters that are no such ones, as one types them, have a field or none", () => {
  const typed = [5, null, { name: "a", type: 7, enum: "x", items: 5, properties: [] }, { name: 5 }];

  expect(fieldsOf(typed).map(({ name, type }) => [name, type])).toEqual([["a", "json"]]);
});

test("a parameter may have a name that every object knows", () => {
  const params = ["constructor", "__proto__", "toString"].map((name) =>
    a({ name, required: true }),
  );
  const given = withValue(withValue({}, "__proto__", 7), "toString", "");

  expect(params.map(({ name }) => own({}, name))).toEqual([undefined, undefined, undefined]);
  expect(params.map(({ name }) => own(given, name))).toEqual([undefined, 7, ""]);
  expect(write(given)).toBe('{"__proto__":7,"toString":""}');
  expect(same(JSON.parse('{"__proto__":1}'), { constructor: 1 })).toBe(false);
});
