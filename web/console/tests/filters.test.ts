import { expect, test } from "vitest";
import { endedInWords, filtersOf, requestOf, toggled } from "../src/executions/filters";

const NOW = Date.parse("2026-03-01T12:00:31Z");
const PIPELINE = "01a220f2-31ea-756b-978d-e6a23ec7b2e6";
const read = (query: string) => filtersOf(new URLSearchParams(query));
const asked = (query: string) => {
  const request = requestOf(read(query), NOW);
  return [...new URLSearchParams(request.split("?")[1])].filter(([name]) => name !== "page_size");
};

test("what an address says is what the API is asked", () => {
  expect(
    asked(`status=failed,RUNNING&pipeline=${PIPELINE}&page=3&q= exp &by=api&parked=1`),
  ).toEqual([
    ["page", "3"],
    ["status", "RUNNING"],
    ["status", "FAILED"],
    ["q", "exp"],
    ["pipeline_id", PIPELINE],
    ["initiator", "api"],
    ["parked", "true"],
  ]);
});

test("all params that are named have to be so, also where a value has a colon", () => {
  expect(asked("param=region:eu&param=at:12:30&param=nonsense")).toEqual([
    ["page", "1"],
    ["param", "region:eu"],
    ["param", "at:12:30"],
  ]);
});

test("a span of time ends now, and is the same request for a minute", () => {
  expect(asked("last=24h")).toContainEqual(["start_date", "2026-02-28T12:00:00.000Z"]);
  expect(requestOf(read("last=1h"), NOW)).toBe(requestOf(read("last=1h"), NOW + 20_000));
});

test("the executions of a bar are those that ended in its hour, and the list says so", () => {
  const hour = "ended_from=2026-03-01T10:00:00Z&ended_before=2026-03-01T11:00:00Z";
  expect(asked(hour)).toEqual([
    ["page", "1"],
    ["ended_from", "2026-03-01T10:00:00.000Z"],
    ["ended_before", "2026-03-01T11:00:00.000Z"],
  ]);
  expect(endedInWords(read(hour), NOW)).toMatch(/^ended 1 Mar \d\d:00 to \d\d:00$/);
  expect(endedInWords(read(""), NOW)).toBeNull();
});

test("what makes no sense in an address counts as not there", () => {
  for (const query of ["status=HAPPY&pipeline=<b>&page=-2", "page=1.5&last=9y&from=never"]) {
    expect(asked(query)).toEqual([["page", "1"]]);
  }
});

test("a state that is pressed twice is not chosen any more", () => {
  expect(toggled([], "FAILED")).toBe("FAILED");
  expect(toggled(["FAILED", "RUNNING"], "FAILED")).toBe("RUNNING");
  expect(toggled(["FAILED"], "FAILED")).toBeNull();
});
