import { expect, test } from "vitest";
import type { Schedule } from "../src/api/types";
import { instantOf, localOf } from "../src/parts/instants";
import { changed } from "../src/parts/save";
import { bodyOf, emptyForm, formOf, whenOf } from "../src/schedules/form";

const when = { type: "cron", expression: "30 2 * * *", timezone: "Europe/Berlin" };
const odd = { run_at: null, dst_missing: null, dst_doubled: null };
const schedule = {
  pipeline_id: "p",
  name: "nightly",
  description: null,
  schedule: { ...when, ...odd },
  params: { day: "today", token: "***REDACTED***" },
  overlap: "skip",
  misfire: "last",
  catch_up_seconds: null,
  jitter_seconds: 0,
  starts_at: "2026-11-28T10:00:00.123456+00:00",
  expires_at: null,
  max_runs: 3,
  pause_after_failures: null,
} as unknown as Schedule;

test("what one has not touched is not sent: no mask comes back, and no digit is lost", () => {
  const before = formOf(schedule);

  expect(changed(bodyOf(before), bodyOf(before))).toEqual({});
  expect(changed(bodyOf(before), bodyOf({ ...before, max_runs: "" }))).toEqual({ max_runs: null });
});

test("when it is due is sent as a whole, because the API replaces it as a whole", () => {
  const before = formOf(schedule);
  const sent = changed(bodyOf(before), bodyOf({ ...before, expression: "@daily" }));

  expect(sent).toEqual({
    schedule: { ...when, expression: "@daily", dst_missing: null, dst_doubled: null },
  });
});

test("each kind says what it needs: a moment of its own zone, an expression, or nothing", () => {
  const form = { ...emptyForm("Asia/Kathmandu"), run_at: "2027-01-01T09:00" };

  expect(whenOf({ ...form, type: "manual" })).toEqual({
    type: "manual",
    timezone: "Asia/Kathmandu",
  });
  expect(whenOf({ ...form, type: "one_time" }).run_at).toBe("2027-01-01T09:00");
  expect(whenOf({ ...form, type: "one_time" }).expression).toBeUndefined();
});

test("what is no number is sent as it is typed, so that the API says what is wrong", () => {
  expect(bodyOf({ ...emptyForm("UTC"), max_runs: "many", jitter_seconds: " 5 " })).toMatchObject({
    max_runs: "many",
    jitter_seconds: 5,
  });
});

test("a moment of the viewer's clocks is sent with its offset", () => {
  expect(localOf(instantOf("2027-06-01T12:30"))).toBe("2027-06-01T12:30");
  expect(instantOf("2027-06-01T12:30")).toMatch(/[+-]\d\d:\d\d$/);
  expect(instantOf("")).toBe("");
});
