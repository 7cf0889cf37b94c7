import { expect, test } from "vitest";
import { type Members, parse } from "../../src/api/json";
import { named, targetsOf } from "../../src/editor/canvas/targets";
import { neighbour } from "../../src/editor/canvas/walking";
import { listed } from "../../src/editor/model/listing";
import { ROOT, stepsOf } from "../../src/editor/model/steps";

const DEFINITION = parse(`{
  "name": "a",
  "steps": [
    {"id": "late", "name": "Late", "action": "log", "depends_on": ["early", "gone"]},
    {"id": "early", "name": "Early", "action": "log"},
    {"id": "block", "steps": [{"id": "inner", "action": "log"}]},
    {"action": "log"}
  ],
  "settings": {"on_failure": [{"id": "tell", "action": "log"}, {"id": "tidy", "action": "log"}]}
}`) as Members;
const STEPS = stepsOf(DEFINITION, ROOT);

test("the list has every step behind what it waits for, also one without an id", () => {
  const rows = listed(DEFINITION);

  expect(rows.map(({ placed }) => placed.id)).toEqual([
    "early",
    "late",
    "block",
    "inner",
    "",
    "tell",
    "tidy",
  ]);
  expect(rows[1]?.after).toEqual(["Early", "gone"]);
  expect(rows[3]?.within).toEqual({ block: "block" });
  expect(rows[6]).toMatchObject({ after: ["tell"], within: { end: "on_failure" } });
});

test("a line can be led to each step but those that it cannot lead to, which say why", () => {
  const targets = targetsOf(STEPS, "late");

  expect(targets.map(({ id, why }) => [id, why === null])).toEqual([
    ["block", true],
    ["", true],
    ["early", false],
  ]);
  expect(targets.at(-1)?.why).toBe("That would be a circle: early → late → early.");
  expect(targetsOf(STEPS, "early").find(({ id }) => id === "late")?.why).toMatch(/already/);
  expect(named(targets, "EAR").map(({ id }) => id)).toEqual(["early"]);
});

test("arrows go along the lines, and where there is none to what lies on that side", () => {
  const points = new Map([
    ["early", { x: 0, y: 0 }],
    ["late", { x: 300, y: 0 }],
    ["block", { x: 600, y: 100 }],
  ]);
  const go = (from: string, way: "left" | "right" | "up" | "down") =>
    neighbour(from, way, STEPS, [], points);

  expect(go("early", "right")).toBe("late");
  expect(go("late", "left")).toBe("early");
  expect(go("late", "right")).toBe("block");
  expect(go("block", "left")).toBe("late");
  expect(go("early", "down")).toBe("block");
  expect(go("early", "up")).toBeNull();
});
