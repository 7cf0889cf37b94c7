import { expect, test } from "vitest";
import { laidOut, roomForWords, SIZE } from "../../src/editor/canvas/places";
import { ROOT, stepsOf } from "../../src/editor/model/steps";

const step = (id: string, ...before: string[]) => ({ id, name: id, depends_on: before });
const branches = [{ id: "yes", label: "the answer is yes", condition: "x", target_step: "b" }];
const choice = { ...step("a"), action: "conditional", params: { branches } };
const steps = stepsOf({ steps: [choice, step("b", "a"), step("c", "b")] }, ROOT);

test("words at a line have room between the cards, from left to right", () => {
  const { direction, points } = laidOut(steps, { width: 9000, height: 500 });
  const gap = (points.get(steps[1]?.key ?? "")?.x ?? 0) - SIZE.width;

  expect(direction).toBe("LR");
  expect(gap).toBeGreaterThanOrEqual(roomForWords(steps) - 20);
  expect(roomForWords(steps)).toBeGreaterThan(120);
});

test("without words cards are as near to each other as ever", () => {
  expect(roomForWords(steps.slice(1))).toBe(0);
});
