import { expect, test } from "vitest";
import { ago, clock, duration, exact, inThisZone, tickStep } from "../src/time";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

test.each([
  [5, "5 ms"],
  [999, "999 ms"],
  [4_240, "4.2 s"],
  [9_960, "10 s"],
  [59_400, "59 s"],
  [59_600, "1 min"],
  [125 * SECOND, "2 min 5 s"],
  [HOUR - 1, "1 h"],
  [190 * MINUTE, "3 h 10 min"],
  [52 * HOUR, "2 d 4 h"],
  [-20, "0 ms"],
])("%i ms is %s: units fit the length", (span, words) => {
  expect(duration(span)).toBe(words);
});

test("ages have one unit, because they change under the eye", () => {
  expect(ago(0, 2 * SECOND)).toBe("just now");
  expect(ago(0, 59 * SECOND)).toBe("59 s ago");
  expect(ago(0, 61 * MINUTE)).toBe("1 h ago");
});

test("an axis never has more ticks than there is room for", () => {
  for (const span of [3, 40, 999, 31_000, 8 * MINUTE, 5 * HOUR, 90 * 24 * HOUR]) {
    expect(span / tickStep(span, 6)).toBeLessThanOrEqual(6);
  }
});

test("the exact time names its offset, and is the same moment", () => {
  const at = Date.parse("2026-11-28T23:50:31.412Z");

  expect(Date.parse(exact(at))).toBe(at);
  expect(exact(at)).toMatch(/[+-]\d\d:\d\d$/);
  expect(exact(at)).toContain(clock(at, 3));
});

test("moments in the server's words are on the viewer's clock, too", () => {
  const at = Date.parse("2026-11-22T03:35:56Z");

  expect(inThisZone("Parked until 2026-11-22 03:35:56 UTC (another 30 min).")).toBe(
    `Parked until ${exact(at).slice(0, 10)} ${clock(at)} (another 30 min).`,
  );
});
