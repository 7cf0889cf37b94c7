import { expect, test } from "vitest";
import { forward } from "../src/execution/forward";
import { readySince, segmentsOf, tracked } from "../src/execution/gantt/segments";
import { eventLine, merged, stepOf } from "../src/execution/history/events";
import { NOTHING, withNews, withOlder } from "../src/execution/history/history";
import { itemCounts } from "../src/parts/itemCounts";
import { at, event, progress, step } from "./history";

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

  const track = tracked(history).get("7");

  expect(track?.segments.map(({ look, from, to }) => [look, from, to])).toEqual([
    ["failed", 1_000, 4_000],
    ["waiting", 4_000, 5_000],
    ["running", 5_000, 6_000],
    ["parked", 6_000, 9_000],
  ]);
  expect(track?.marks.map(({ look, at }) => [look, at])).toEqual([
    ["failed", 4_000],
    ["done", 9_000],
  ]);
});

test("the pause before an attempt and the time in the queue behind it are eventLine apart", () => {
  const history = [
    event(1, "step_started"),
    event(2, "step_retrying", { delay_seconds: 30, error: "no" }),
    event(632, "step_started", { attempt: 2 }),
  ];

  const track = tracked(history).get("7");

  expect(track?.segments.map(({ look, from, to }) => [look, from, to])).toEqual([
    ["failed", 1_000, 2_000],
    ["retrying", 2_000, 32_000],
    ["waiting", 32_000, 632_000],
    ["running", 632_000, null],
  ]);
});

test("news change the tracks that they are about, and leave the others as they are", () => {
  const before = tracked([event(1, "step_started")]);
  const other = { ...event(2, "step_started"), step_execution_id: "8" };

  const after = tracked([other], before);

  expect(after.get("7")).toBe(before.get("7"));
  expect(after.get("8")?.segments).toHaveLength(1);
});

test("what was ready and did not begin was queued; what waits for another step was not", () => {
  const first = step("first", { status: "COMPLETED", end_time: at(5) });
  const second = step("second", { status: "COMPLETED", start_time: at(9), end_time: at(10) });
  const third = step("third", { status: "PENDING" });
  const after = new Map([
    ["second", ["first"]],
    ["third", ["second", "open"]],
  ]);
  const ready = readySince([first, second, third, step("open", {})], after, 0);

  const drawn = segmentsOf(second, undefined, ready.get("second") ?? null);

  expect(drawn.map(({ label, from, to }) => [label, from, to])).toEqual([
    ["queued", 5_000, 9_000],
    ["Completed", 9_000, 10_000],
  ]);
  expect(ready.get("third")).toBeNull();
});

test("the attempt that failed is drawn as failed, and what goes on has no end", () => {
  const failed = [event(1, "step_started"), event(2, "step_failed", { error: "no" })];

  expect(tracked(failed).get("7")?.segments[0]?.look).toBe("failed");
  expect(tracked(failed.slice(0, 1)).get("7")?.segments[0]?.to).toBeNull();
});

test("an event in a block or item belongs to the step of the definition around it", () => {
  expect(stepOf(event(1, "step_started"))).toBe("deploy");
  expect(stepOf(event(1, "step_started", { within: "each[3]/pay#2" }))).toBe("each");
});

test("an event of a kind that is not known yet is eventLine by its name", () => {
  expect(eventLine(event(1, "step_levitated"), "Deploy").text).toBe("step_levitated");
  expect(eventLine(event(1, "step_parked", { external_ids: ["job-7"] }), "Deploy").text).toBe(
    "Deploy parked until job-7",
  );
});

test("what is parked does not count as running, and the counts add up", () => {
  const by_status = { COMPLETED: 9_400, FAILED: 60, RUNNING: 8, PENDING: 532 };

  const found = itemCounts({ total: 10_000, open: 540, failed: 60, by_status, parked: 3 });

  expect(found.map((itemCount) => `${itemCount.count} ${itemCount.word}`)).toEqual([
    "9400 completed",
    "60 failed",
    "5 running",
    "3 parked",
    "532 waiting",
  ]);
});

test("the page holds a bounded history of a talkative execution, and its bars all the same", () => {
  let held = withNews(NOTHING, [event(1, "step_started")]);
  for (let number = 2; number < 12_000; number += 100) {
    const more = Array.from({ length: 100 }, (_, at) => event(number + at, "step_progress"));
    held = withNews(held, more);
  }

  expect(held.events.length).toBeLessThanOrEqual(5_000);
  expect(held.tracks.get("7")?.segments).toHaveLength(1);
  expect(withNews(held, [event(3, "step_failed")])).toBe(held);
});

test("who has gone back in the history keeps all that there is", () => {
  const held = withOlder(withNews(NOTHING, [event(9, "step_progress")]), [
    event(8, "step_started"),
  ]);

  expect(numbers(held.events)).toEqual([8, 9]);
  expect(held.kept).toBe(true);
});

test("a later state is not taken back by an answer that was overtaken", () => {
  const known = progress(3, [step("a", { status: "COMPLETED", version: 4 })]);
  const late = progress(2, [step("a", { status: "RUNNING", version: 3 })]);

  const shown = forward(known, late);

  expect(shown.execution.version).toBe(3);
  expect(shown.steps[0]?.status).toBe("COMPLETED");
  expect(forward(known, progress(4, [])).execution.version).toBe(4);
});
