import { expect, test } from "vitest";
import { toldOf, toldOfStep } from "../src/api/told";

test("what is told of a place does not name it again, and its hint is a sentence of its own", () => {
  expect(
    toldOf({ pointer: "/steps/3/retry/a~1b", message: "steps.3.retry.a/b: Unknown field" }),
  ).toBe("Unknown field");
  expect(toldOf({ message: "Unknown parameter: wersion", hint: "Did you mean 'version'?" })).toBe(
    "Unknown parameter: wersion. Did you mean 'version'?",
  );
  expect(toldOf({ message: "Too long.", hint: "Cut it." })).toBe("Too long. Cut it.");
  expect(toldOf({ code: "wrong_type" })).toBe("wrong_type");
  expect(toldOfStep({ pointer: "/steps/0", message: "Step 'a': It needs an action" })).toBe(
    "It needs an action",
  );
});
