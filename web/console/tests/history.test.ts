import { expect, test } from "vitest";
import { parts } from "../src/execution/counts";
import { merged, stepOf, told } from "../src/execution/events";
import { tracks } from "../src/execution/segments";
import { event, item } from "./history";

const numbers = (events: { sequence_number: number }[]) => events.map((one) => one.sequence_number);

test("events that come twice or late are in the history once, in their order", () => {
  const known = [3, 4].map((number) => event(number, "step_progress"));
  const more = [5, 4, 1].map((number) => event(number, "step_progress"));

  expect(numbers(merged(known, more))).toEqual([1, 3, 4, 5]);
  expect(numbers(merged([], more.toReversed()))).toEqual([1, 4, 5]);
});

test("without news the history is the same object, so that nothing is drawn anew", () => {
  const known = [event(1, "step_started")];

  expect(merged(known, [])).toBe(known);
});

test("each attempt and each wait has a segment of its own, and a lost attempt a mark", () => {
  const history = [
    event(1, "step_started", { worker: "one" }),
    event(4, "step_recovered", { lost_attempt: 1 }),
    event(5, "step_started", { attempt: 2 }),
    event(6, "step_parked", { attempt: 2 }),
    event(9, "step_completed", { attempt: 2 }),
  ];

  const track = tracks(history).get("7");

  expect(track?.segments.map(({ look, from, to }) => [look, from, to])).toEqual([
    ["running", 1_000, 4_000],
    ["waiting", 4_000, 5_000],
    ["running", 5_000, 6_000],
    ["parked", 6_000, 9_000],
  ]);
  expect(track?.marks.map(({ look, at }) => [look, at])).toEqual([
    ["failed", 4_000],
    ["done", 9_000],
  ]);
});

test("the attempt that failed is drawn as failed, and what goes on has no end", () => {
  const failed = [event(1, "step_started"), event(2, "step_failed", { error: "no" })];

  expect(tracks(failed).get("7")?.segments[0]?.look).toBe("failed");
  expect(tracks(failed.slice(0, 1)).get("7")?.segments[0]?.to).toBeNull();
});

test("an event in a block or item belongs to the step of the definition around it", () => {
  expect(stepOf(event(1, "step_started"))).toBe("deploy");
  expect(stepOf(event(1, "step_started", { within: "each[3]/pay#2" }))).toBe("each");
});

test("an event of a kind that is not known yet is told by its name", () => {
  expect(told(event(1, "step_levitated"), "Deploy").text).toBe("step_levitated");
  expect(told(event(1, "step_parked", { external_ids: ["job-7"] }), "Deploy").text).toBe(
    "Deploy parked until job-7",
  );
});

test("counts of a fan-out add up, whether its items are known or not", () => {
  const items = { total: 4, open: 2, failed: 1 };
  const known = [item("COMPLETED"), item("RUNNING", true), item("PENDING"), item("FAILED")];
  const sum = (found: { count: number }[]) => found.reduce((all, part) => all + part.count, 0);

  expect(parts(items, known).map((part) => `${part.count} ${part.word}`)).toEqual([
    "1 completed",
    "1 failed",
    "1 parked",
    "1 waiting",
  ]);
  expect(sum(parts(items))).toBe(4);
  expect(sum(parts(items, known.slice(1)))).toBe(4);
});
