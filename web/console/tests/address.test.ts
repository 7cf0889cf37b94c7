import { expect, test } from "vitest";
import { Problem } from "../src/api/client";
import { pathWith, webAddress } from "../src/parts/address";
import { faultAt, otherFaults } from "../src/parts/problems";
import { fromNow } from "../src/time";

test("only pages of the web are links, whatever a text calls itself", () => {
  expect(webAddress("https://a.example/x")).toBe("https://a.example/x");
  for (const text of ["javascript:alert(1)", "data:text/html,x", "//a.example", "", null]) {
    expect(webAddress(text)).toBeNull();
  }
});

test("what is null is not pathWith for", () => {
  expect(pathWith("/schedules", { page: 2, status: null, q: "a b&c" })).toBe(
    "/schedules?page=2&q=a+b%26c",
  );
});

test("each field shows its own fault, and what no field has is told apart", () => {
  const errors = [
    { pointer: "/schedule/expression", message: "Not cron.", hint: "Five fields." },
    { pointer: "/params/day", message: "Unknown.", hint: null },
  ];
  const problem = new Problem(422, "invalid_schedule", "No.", { errors });

  expect(faultAt(problem, "/schedule")).toBe("Not cron. Five fields.");
  expect(faultAt(problem, "/sched")).toBeNull();
  expect(otherFaults(problem, ["/schedule"])).toEqual([
    { pointer: "/params/day", message: "Unknown." },
  ]);
});

test("what is to come is told as what has passed: in one unit", () => {
  const hour = 3_600_000;
  expect(fromNow(2_500, 0)).toBe("in 3 s");
  expect(fromNow(5 * hour, 0)).toBe("in 5 h");
  expect(fromNow(72 * hour, 0)).toBe("in 3 d");
  expect(fromNow(0, hour)).toBe("1 h ago");
});
