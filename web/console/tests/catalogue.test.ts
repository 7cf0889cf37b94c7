import { expect, test } from "vitest";
import { conditionOf, leftOut, rulesOf } from "../src/actions/catalogue";
import type { ListedAction } from "../src/api/types";
import type { Param } from "../src/forms/param";
import { fits, foundActions } from "../src/parts/actionSearch";

const action = (type: string, more: Partial<ListedAction> = {}): ListedAction =>
  ({
    type,
    name: type,
    description: "",
    category: "Control Flow",
    aliases: [],
    package: "pipeline-engine",
    ...more,
  }) as unknown as ListedAction;
const param = (more: Partial<Param>): Param => ({ name: "n", label: "N", type: "string", ...more });

test("each word has to stand somewhere, in whatever case", () => {
  const http = action("http_request", { description: "Sends a request", aliases: ["fetch"] });

  expect(fits(http, "REQUEST sends")).toBe(true);
  expect(fits(http, "fetch")).toBe(true);
  expect(fits(http, "request mail")).toBe(false);
});

test("a category in which nothing fits is not shown", () => {
  const all = [
    { name: "Control Flow", icon: "", actions: [action("log"), action("fail")] },
    { name: "Integration", icon: "", actions: [action("webhook")] },
  ];

  expect(foundActions(all, "log", null).map(({ name, actions }) => [name, actions.length])).toEqual(
    [["Control Flow", 1]],
  );
  expect(foundActions(all, "", "Integration")).toHaveLength(1);
});

test("false, 0 and an empty text are defaults, and null is none", () => {
  expect(leftOut(param({ default: false }))).toBe("false");
  expect(leftOut(param({ default: 0 }))).toBe("0");
  expect(leftOut(param({ default: "" }))).toBe('""');
  expect(leftOut(param({ default: null }))).toBe("none");
  expect(leftOut(param({ default: 1, required: true }))).toBe("required");
});

test("when a param is shown is told in words", () => {
  expect(conditionOf(param({ visibleWhen: { param: "mode", equals: "a" } }))).toBe(
    'only while mode is "a"',
  );
  expect(conditionOf(param({ visibleWhen: { param: "on", equals: null, notEquals: false } }))).toBe(
    "only while on is not false",
  );
  expect(rulesOf(param({ options: [{ value: "GET", label: "Get" }] }))).toEqual(['one of "GET"']);
});
