import { expect, test } from "vitest";
import { type Members, parse } from "../../src/api/json";
import { stepsIn } from "../../src/editor/model/clipboard";
import { problemsOf } from "../../src/editor/model/issues";
import { namesAt } from "../../src/editor/model/names";
import { find } from "../../src/editor/model/steps";

const DOCUMENT = parse(`{
  "name": "a", "parameters": [{"name": "region", "type": "array"}],
  "steps": [
    {"id": "read", "name": "Read", "action": "http_request"},
    {"id": "other-one", "action": "log"},
    {"id": "each", "depends_on": ["read", "other-one"], "for_each": "{{ params.region }}", "steps": [
      {"id": "in", "action": "set_output", "params": {"outputs": {"n": 1}}},
      {"id": "behind", "action": "log", "depends_on": ["in"]}
    ], "outputs": {"n": 1}},
    {"id": "end", "action": "log", "depends_on": ["each"]}
  ],
  "settings": {"finally": [{"id": "note", "action": "log"}]}
}`) as Members;

const outputsOf = (type: string) =>
  type === "http_request" ? [{ name: "body", type: "any" }] : [];
const namesOf = (id: string): string[] =>
  namesAt(DOCUMENT, find(DOCUMENT, id), outputsOf).map(({ text }) => text);

test("a step sees what it waits for, in its block and around it, and nothing beside that", () => {
  expect(namesOf("behind")).toEqual(
    expect.arrayContaining([
      "item",
      "steps.in.outputs.n",
      "steps.read.outputs.body",
      "params.region",
    ]),
  );
  expect(namesOf("behind")).toContain('steps["other-one"].status');
  expect(namesOf("read").filter((name) => name.startsWith("steps"))).toEqual([]);
  expect(namesOf("end")).toContain("steps.each.outputs.results");
  expect(namesOf("end").some((name) => name.startsWith("steps.in."))).toBe(false);
});

test("handlers see every step and how it ended", () => {
  expect(namesOf("note")).toEqual(
    expect.arrayContaining(["steps.end.status", "execution.error", "execution.status"]),
  );
});

test("a problem leads to its step, however deep, and to the field in it", () => {
  const issue = (pointer: string) => ({ pointer, code: "c", message: "m", hint: null });
  const report = {
    error_details: [issue("/steps/2/steps/1/params/message"), issue("/settings/finally/0/action")],
    warning_details: [issue("/outputs/x")],
    action_versions: {},
  };

  const [inner, handler, whole] = problemsOf(DOCUMENT, report);

  expect([inner?.step?.id, inner?.field]).toEqual(["behind", "/params/message"]);
  expect([handler?.step?.id, handler?.field]).toEqual(["note", "/action"]);
  expect([whole?.step, whole?.isWarning]).toEqual([null, true]);
});

test("steps are found on the clipboard, and nothing else is taken for some", () => {
  expect(stepsIn('{"id": "a", "action": "log"}')?.length).toBe(1);
  expect(stepsIn('[{"id": "a", "action": "log"}, {"id": "b", "steps": []}]')?.length).toBe(2);
  expect(stepsIn('{"name": "x", "steps": [{"id": "a", "action": "log"}]}')?.length).toBe(1);
  for (const text of ["", "hello", "{}", "[]", '{"steps": [1]}', '[{"id": "a"}]']) {
    expect(stepsIn(text)).toBeNull();
  }
});
