import { expect, test } from "vitest";
import { issueText, stepIssueText } from "../src/api/issueText";

test("what is told of a place does not name it again, and its hint is a sentence of its own", () => {
  expect(
    issueText({ pointer: "/steps/3/retry/a~1b", message: "steps.3.retry.a/b: Unknown field" }),
  ).toBe("Unknown field");
  expect(
    issueText({ message: "Unknown parameter: wersion", hint: "Did you mean 'version'?" }),
  ).toBe("Unknown parameter: wersion. Did you mean 'version'?");
  expect(issueText({ message: "Too long.", hint: "Cut it." })).toBe("Too long. Cut it.");
  expect(issueText({ code: "wrong_type" })).toBe("wrong_type");
  expect(stepIssueText({ pointer: "/steps/0", message: "Step 'a': It needs an action" })).toBe(
    "It needs an action",
  );
});
