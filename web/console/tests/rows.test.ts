import { expect, test } from "vitest";
import type { Step } from "../src/api/types";
import { rowsOf } from "../src/execution/list/rows";
import { inOrder } from "../src/graph/order";

const step = (step_id: string, step_name = ""): Step =>
  ({ id: `row-${step_id}`, step_id, step_name }) as Step;
const defined = (id: string, ...depends_on: string[]) => ({ id, action: "log", depends_on });

test("a step is listed behind what it comes after, by the name that it has", () => {
  const rows = rowsOf(
    [step("late"), step("early", "Early")],
    [defined("late", "early"), defined("early")],
  );

  expect(rows.map(({ number, step, after }) => [number, step.step_id, after])).toEqual([
    [1, "early", []],
    [2, "late", ["Early"]],
  ]);
});

test("an order is found for circles, for what has no name, and for what is after nothing that is there", () => {
  const after: Record<string, string[]> = { a: ["b"], b: ["a"], "": ["gone"] };
  const ordered = inOrder(
    ["", "a", "b"],
    (one) => one,
    (one) => after[one] ?? [],
  );

  expect(ordered).toEqual(["", "b", "a"]);
});
