import { expect, test } from "vitest";
import type { ListedAction } from "../src/api/types";
import { GOALS } from "../src/keys/goals";
import { actions, moved, pages, pipeline } from "../src/palette/entries";

test("pages are found by a part of their names, and no words find all of them", () => {
  expect(pages("parK").map(({ href }) => href)).toEqual(["/console/parked"]);
  expect(pages("").length).toBeGreaterThan(3);
  expect(pages("no such page")).toEqual([]);
});

test("what begins with the words comes before what has them somewhere", () => {
  const all = [
    { type: "deployment_delete", name: "Delete Deployment" },
    { type: "delay", name: "Delay" },
  ] as ListedAction[];

  expect(actions(all, "del", 9).map(({ more }) => more)).toEqual(["deployment_delete", "delay"]);
  expect(actions(all, "dela", 9).map(({ more }) => more)).toEqual(["delay"]);
  expect(actions(all, "del", 1)).toHaveLength(1);
});

test("a pipeline leads somewhere, whether it has a page or not", () => {
  expect(pipeline({ id: "7", name: "nightly" }).href).toMatch(/^\/console\/.*7$/);
});

test("the choice goes round at both ends", () => {
  expect([moved(2, 1, 3), moved(0, -1, 3), moved(0, 1, 0)]).toEqual([0, 2, 0]);
});

test("no two pages have the same letter", () => {
  const keys = GOALS.map((goal) => goal.keys);
  expect(new Set(keys).size).toBe(keys.length);
});
