import { expect, test } from "vitest";
import {
  amountOf,
  byUrgency,
  keptFor,
  type Setting,
  shareOf,
  sought,
  subjectOf,
  titleOf,
} from "../src/system/words";

const setting = (name: string, value: unknown, is_default = true) =>
  ({ name, value, is_default }) as unknown as Setting;

test("settings are found by name and value, and a masked one has no value to be found by", () => {
  const all = [
    setting("DATABASE_URL", "masked", false),
    setting("PUBSUB_NAME", "pubsub"),
    setting("PIPELINE_ROLES", { viewer: ["x:y"] }),
  ];

  expect(sought(all, "database", false)).toHaveLength(1);
  expect(sought(all, "x:y", false)).toHaveLength(1);
  const described = { ...setting("PUBSUB_NAME", "pubsub"), description: "Where events come from." };
  expect(sought([described], "where events", false)).toHaveLength(1);
  expect(sought(all, "", true).map(({ name }) => name)).toEqual(["DATABASE_URL"]);
});

test("what is wrong comes first, then what is worth a look", () => {
  const check = (name: string, is_well: boolean, what_to_do: string | null) => ({
    name,
    is_well,
    says: "",
    what_to_do,
  });
  const checks = [check("c", true, null), check("b", true, "look"), check("a", false, "mend")];

  expect(byUrgency(checks).map(({ name }) => name)).toEqual(["a", "b", "c"]);
});

test("rules are told in words, and one without limits keeps for ever", () => {
  const rule = { pipeline: null, owner: null, status: null, days: null, keep_last: null };

  expect([subjectOf(rule), keptFor(rule)]).toEqual(["all", "for ever"]);
  expect(subjectOf({ ...rule, pipeline: "nightly", owner: "ada", status: ["FAILED"] })).toBe(
    "nightly of ada, FAILED",
  );
  expect(keptFor({ ...rule, days: 1, keep_last: 20 })).toBe("1 day, and the last 20");
});

test("a quota of none is full, and one without a limit has no share", () => {
  expect(shareOf({ name: "schedules", used: 0, limit: 0 })).toBe(1);
  expect(shareOf({ name: "schedules", used: 5, limit: null })).toBeNull();
  expect(amountOf("stored_bytes", 5_778)).toBe("5.6 KiB");
  expect(amountOf("stored_bytes", 0)).toBe("0 bytes");
  expect(amountOf("schedules", 12_000)).toBe("12,000");
  expect(titleOf("open_executions")).toBe("Open executions");
});
