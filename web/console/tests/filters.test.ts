import { expect, test } from "vitest";
import { filtersOf, requestOf } from "../src/executions/filters";

const read = (query: string) => filtersOf(new URLSearchParams(query));

test("what an address says is what the API is asked", () => {
  const pipeline = "01a220f2-31ea-756b-978d-e6a23ec7b2e6";

  const request = requestOf(read(`status=failed&pipeline=${pipeline}&page=3`));

  expect(request).toBe(`/executions?page=3&page_size=50&status=FAILED&pipeline_id=${pipeline}`);
});

test("what makes no sense in an address counts as not there", () => {
  const nothing = { status: null, pipeline: null, page: 1 };

  expect(read("status=HAPPY&pipeline=<b>&page=-2")).toEqual(nothing);
  expect(read("page=1.5")).toEqual(nothing);
});
