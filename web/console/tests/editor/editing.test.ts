import { expect, test } from "vitest";
import { type Members, parse } from "../../src/api/json";
import { canonical, put } from "../../src/definition/document";
import { readJson } from "../../src/definition/text";
import { Editing, isPublished, isSaved, keyOf } from "../../src/editor/editing";
import { differences, taken } from "../../src/editor/model/differences";
import type { Published } from "../../src/editor/server";

const document = (text: string): Members => parse(text) as Members;

const BASE = document(
  '{"name": "a", "steps": [{"id": "x", "action": "log"}, {"id": "b", "steps": [{"id": "y", "action": "log"}]}]}',
);
const published = (of: Members, lockVersion = 1): Published => ({
  document: of,
  name: "a",
  revision: lockVersion,
  etag: `"${lockVersion}"`,
  lockVersion,
  by: null,
  at: null,
});
const draft = (of: unknown, based_on = 1) => ({
  based_on,
  document: of,
  saved_at: "2026-01-31T10:00:00+00:00",
  etag: '"4"',
});

test("saved is what the server has, however one came to it", () => {
  const editing = new Editing(published(BASE));
  expect(isSaved(editing.now())).toBe(true);

  editing.change(put(BASE, ["description"], "new"));
  expect(isSaved(editing.now())).toBe(false);
  editing.undo();
  expect(isPublished(editing.now())).toBe(true);
  editing.redo();
  expect(isSaved(editing.now())).toBe(false);

  // The same in another order of its keys is the same.
  editing.change(document(`{"steps": ${canonical(BASE.steps as never)}, "name": "a"}`));
  expect(isPublished(editing.now())).toBe(true);
});

test("what was typed while a save was on its way is not saved by it", () => {
  const editing = new Editing(published(BASE));
  editing.change(put(BASE, ["description"], "one"));
  const sent = keyOf(editing.now().history.present);
  editing.change(put(BASE, ["description"], "two"));

  editing.set({ draft: { key: sent, at: 0 } });

  expect(isSaved(editing.now())).toBe(false);
  editing.undo();
  expect(isSaved(editing.now())).toBe(true);
});

test("a draft over an older revision tells of the newer one, and undo leads to what is published", () => {
  const editing = new Editing(published(BASE, 2), draft(put(BASE, ["name"], "mine"), 1));

  expect(editing.now().theirs?.lockVersion).toBe(2);
  expect(editing.document.name).toBe("mine");
  expect(isSaved(editing.now())).toBe(true);
  editing.undo();
  expect(editing.document).toBe(BASE);
});

test("a text that cannot be read is kept as a draft, and comes back as the text that it was", () => {
  const text = '{"name": "a", "steps": [}';
  const editing = new Editing(published(BASE));
  editing.type(text, "json", readJson(text));
  expect(editing.document).toBe(BASE);

  const again = new Editing(published(BASE), draft(text));

  expect(again.now().history.present.written).toMatchObject({ text, error: { line: 1 } });
  expect(keyOf(again.now().history.present)).toBe(keyOf(editing.now().history.present));
});

test("text and canvas have one stack", () => {
  const editing = new Editing(published(BASE));
  editing.change(put(BASE, ["description"], "by form"));
  const text = '{"name": "typed"}';
  editing.type(text, "json", readJson(text));
  editing.change(put(editing.document, ["version"], "2"));

  editing.undo();
  expect(editing.now().history.present.written?.text).toBe(text);
  editing.undo();
  expect(editing.document.description).toBe("by form");
  expect(editing.now().history.present.written).toBeNull();
});

test("each part of another version is taken by itself, until both are the same", () => {
  const theirs = document(
    '{"name": "a", "description": "d", "steps": [{"id": "b", "name": "B", "steps": [{"id": "y", "action": "fail"}, {"id": "z", "action": "log"}]}, {"id": "new", "action": "log"}]}',
  );
  let mine = BASE;
  for (let found = differences(theirs, mine); found.length > 0; found = differences(theirs, mine)) {
    const before = found.length;
    mine = taken(mine, theirs, found[0]?.place ?? "");
    expect(differences(theirs, mine).length).toBeLessThan(before);
  }
  expect(canonical(mine)).toBe(canonical(theirs));
});
