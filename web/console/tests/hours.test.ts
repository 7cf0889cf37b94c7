import { expect, test } from "vitest";
import { type Hour, inWords, listOf, most, spanOf, total } from "../src/now/hours";

const hour = (from: string, completed = 0, failed = 0): Hour => ({
  from,
  completed,
  failed,
  interrupted: 0,
  started: completed,
});

test("bars are as high as their share of the fullest hour, and an empty day has none", () => {
  expect(most([hour("", 3, 2), hour("", 4)])).toBe(5);
  expect(most([hour("")])).toBe(1);
});

test("an hour is told in words, for whoever does not see its bar", () => {
  expect(inWords(total([hour("", 12, 1), hour("", 1)]))).toBe(
    "13 completed, 1 failed, none interrupted, 13 started",
  );
});

test("the last hour is not over, and the others say when they were", () => {
  const noon = hour(new Date(2026, 10, 28, 12).toISOString());
  expect(spanOf(noon, false)).toBe("12:00 to 13:00");
  expect(spanOf(noon, true)).toBe("since 12:00");
});

test("a bar leads to the executions that ended in its hour, and to no others", () => {
  expect(listOf(hour("2026-11-28T12:00:00Z"))).toBe(
    "/console/executions?ended_from=2026-11-28T12%3A00%3A00Z&ended_before=2026-11-28T13%3A00%3A00.000Z",
  );
});
