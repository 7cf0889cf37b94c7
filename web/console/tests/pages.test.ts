import { expect, test } from "vitest";
import { PAGES, pageAt } from "../src/pages";

test("each page is found at its own address, and its places have their names", () => {
  for (const page of PAGES) {
    expect(pageAt(page.path.replace(/:\w+/g, "7"))?.page).toBe(page);
  }
  expect(pageAt("/console/executions/a%20b/")?.places).toEqual({ id: "a b" });
});

test("what is no page is none, and a bad escape is no error", () => {
  expect(pageAt("/console/executions/1/2/3")).toBeNull();
  expect(pageAt("/console/executions/%zz")?.places).toEqual({ id: "%zz" });
});
