import { expect, test } from "vitest";
import { type Members, parse } from "../../src/api/json";
import { canonical, put } from "../../src/definition/document";
import {
  addStep,
  connect,
  disconnect,
  idsOf,
  paste,
  removeSteps,
  renameParameter,
  renameStep,
  whyNotCalled,
} from "../../src/editor/model/changes";
import { before, inOrder, whyNotConnected } from "../../src/editor/model/graph";
import { begin, commit, type History, redo, undo } from "../../src/editor/model/history";
import { dependsOn, everyStep, find, ROOT, stepsOf } from "../../src/editor/model/steps";
import { one, random } from "./walk";

const document = (text: string): Members => parse(text) as Members;

const DIAMOND = document(`{
  "name": "diamond", "x_ours": {"id": 9007199254740993},
  "parameters": [{"name": "kind"}],
  "steps": [
    {"id": "a", "name": "A", "action": "log"},
    {"id": "b", "name": "B", "action": "log", "depends_on": "a", "odd": 1.0},
    {"id": "c", "name": "C", "action": "conditional", "depends_on": ["a"],
     "params": {"branches": [{"id": "x", "condition": "steps.a.outputs.n > 1", "target_step": "d"}]}},
    {"id": "d", "name": "D", "action": "log", "depends_on": ["b", "c"], "condition": "params.kind == 'params.kind'",
     "params": {"message": "{{ steps.a.outputs.x ~ 'steps.a' }} and steps.a {{ steps['a'].status }}"}}
  ],
  "settings": {"on_failure": [{"id": "alarm", "name": "Alarm", "action": "log", "params": {"message": "{{ steps.a.status }}"}}]}
}`);

test("a step under another id takes along all that refers to it, and no text that looks like it", () => {
  const renamed = renameStep(DIAMOND, "a", "first");

  expect(dependsOn(find(renamed, "b")?.step as Members)).toEqual(["first"]);
  expect(find(renamed, "b")?.step.depends_on).toBe("first");
  expect(find(renamed, "c")?.step.depends_on).toEqual(["first"]);
  expect(find(renamed, "d")?.step.params).toEqual({
    message: "{{ steps.first.outputs.x ~ 'steps.a' }} and steps.a {{ steps['first'].status }}",
  });
  expect(canonical(renamed)).toContain("steps.first.outputs.n > 1");
  expect(canonical(find(renamed, "alarm")?.step as Members)).toContain("{{ steps.first.status }}");
});

test("an id with a hyphen is referred to in brackets, and back again", () => {
  const there = renameStep(DIAMOND, "a", "first-one");
  expect(canonical(there)).toContain('steps[\\"first-one\\"].outputs.x');
  const back = renameStep(there, "first-one", "a");
  expect(canonical(back)).toContain('steps[\\"a\\"].outputs.x');
});

test("the target of a branch follows its step", () => {
  expect(canonical(renameStep(DIAMOND, "d", "end"))).toContain('"target_step":"end"');
});

test("an id that is taken, or is none, is refused and changes nothing", () => {
  expect(whyNotCalled(DIAMOND, "a", "alarm")).toContain("Another step");
  expect(whyNotCalled(DIAMOND, "a", "-a")).toContain("begins with");
  expect(renameStep(DIAMOND, "a", "b")).toBe(DIAMOND);
});

test("a param under another name takes along the templates, and no text that looks like one", () => {
  const renamed = renameParameter(DIAMOND, 0, "sort");
  expect(find(renamed, "d")?.step.condition).toBe("params.sort == 'params.kind'");
});

test("a circle is refused with its way", () => {
  const steps = stepsOf(DIAMOND, ROOT);
  expect(whyNotConnected(steps, "d", "a")).toBe("That would be a circle: a → b → d → a.");
  expect(connect(DIAMOND, ROOT, "d", "a")).toBe(DIAMOND);
  expect(whyNotConnected(steps, "a", "a")).not.toBeNull();
  expect(whyNotConnected(steps, "a", "d")).toBeNull();
});

test("steps that have no id yet, or the same one, are in order as others are", () => {
  const typed = document(
    '{"steps": [{"action": "log"}, {"id": "b", "depends_on": ["a", ""]}, {"id": null}, {"id": "a"}, {"id": "a"}, 5]}',
  );

  const names = inOrder(stepsOf(typed, ROOT)).map(({ key }) => key);

  expect(names.toSorted()).toEqual(["#0", "#2", "a", "a#4", "b"]);
  expect(names.indexOf("a#4")).toBeLessThan(names.indexOf("b"));
});

test("who waited for a step that is gone waits for what that one waited for", () => {
  const gone = removeSteps(DIAMOND, ["b", "c"]);
  expect(dependsOn(find(gone, "d")?.step as Members)).toEqual(["a"]);
  expect("depends_on" in (find(removeSteps(DIAMOND, ["a"]), "b")?.step ?? {})).toBe(false);
});

test("copies have ids of their own, and refer to each other", () => {
  const steps = ["b", "d"].map((id) => find(DIAMOND, id)?.step as Members);
  const { document: pasted, ids } = paste(DIAMOND, ROOT, steps);

  expect(ids).toEqual(["b_2", "d_2"]);
  expect(find(pasted, "d_2")?.step.depends_on).toEqual(["b_2", "c"]);
  expect(find(pasted, "b_2")?.step.odd).toEqual(find(DIAMOND, "b")?.step.odd);
});

test("steps that were pasted into another pipeline wait for nothing that is not there", () => {
  const empty = document('{"name": "other", "steps": []}');
  const { document: pasted } = paste(empty, ROOT, [find(DIAMOND, "d")?.step as Members]);
  expect("depends_on" in (find(pasted, "d")?.step ?? {})).toBe(false);
});

test("ids that are made can be referred to", () => {
  const { ids } = addStep(DIAMOND, ROOT, { action: "-odd-action-" });
  expect(ids).toEqual(["odd_action"]);
});

function step(history: History, pick: (below: number) => number, now: number): History {
  const { document } = history.present;
  const ids = [...idsOf(document)];
  const next = [
    () => addStep(document, ROOT, { action: "log", name: "New" }, [one(ids, pick)]).document,
    () => (ids.length > 3 ? removeSteps(document, [one(ids, pick)]) : document),
    () => connect(document, ROOT, one(ids, pick), one(ids, pick)),
    () => disconnect(document, ROOT, one(ids, pick), one(ids, pick)),
    () => renameStep(document, one(ids, pick), `r${pick(9)}`),
    () => {
      const placed = find(document, one(ids, pick));
      return placed ? put(document, [...placed.path, "timeout_seconds"], pick(99)) : document;
    },
    () => paste(document, ROOT, [find(document, one(ids, pick))?.step as Members]).document,
  ];
  return commit(history, { document: one(next, pick)(), written: null }, null, now);
}

test("random walks never make a circle or two of one id, keep what is unknown, and can be undone", () => {
  for (let seed = 1; seed <= 5; seed++) {
    const pick = random(seed);
    let history = begin(DIAMOND);
    const seen = [canonical(DIAMOND)];
    for (let now = 0; now < 100; now++) {
      const until = history;
      history = step(history, pick, now);
      if (history === until) continue;
      seen.push(canonical(history.present.document));
      const steps = stepsOf(history.present.document, ROOT);
      const all = [...idsOf(history.present.document)];
      expect(all.length).toBe(everyStep(history.present.document).length);
      expect(steps.filter(({ id }) => before(steps, id).has(id))).toEqual([]);
    }
    expect(history.present.document.x_ours).toBe(DIAMOND.x_ours);
    for (const text of seen.slice(0, -1).reverse()) {
      history = undo(history);
      expect(canonical(history.present.document)).toBe(text);
    }
    expect(history.present.document).toBe(DIAMOND);
    for (const text of seen.slice(1)) {
      history = redo(history);
      expect(canonical(history.present.document)).toBe(text);
    }
  }
});

test("typing in one field is one change, a pause or another field begins the next", () => {
  const at = (n: number) => ({ document: put(DIAMOND, ["n"], n), written: null });
  let history = begin(DIAMOND);
  history = commit(history, at(1), "n", 0);
  history = commit(history, at(2), "n", 500);
  history = commit(history, at(3), "n", 5_000);
  history = commit(history, at(4), "m", 5_100);
  expect(history.past.length).toBe(3);
  expect(undo(undo(history)).present.document.n).toBe(2);
});

test("what was not touched is the same object", () => {
  const changed = put(DIAMOND, ["steps", 1, "name"], "Other");
  const [a, , c] = DIAMOND.steps as Members[];
  expect((changed.steps as Members[])[0]).toBe(a);
  expect((changed.steps as Members[])[2]).toBe(c);
});
