import { beforeEach, expect, test, vi } from "vitest";
import type { Members } from "../../src/api/json";
import { Editing } from "../../src/editor/editing";
import { leave, takeLeft } from "../../src/editor/left";

/** A definition of which nothing is kept, in which something has just been typed. */
function typed(): Editing {
  const published = { document: { name: "a" } as Members, name: "a", revision: 1, lockVersion: 1 };
  const editing = new Editing({ ...published, etag: '"1"', by: null, at: null });
  editing.change({ name: "a", description: "just typed" });
  return editing;
}

let kept: unknown[] = [];
let isAway = false;

beforeEach(() => {
  kept = [];
  isAway = false;
  for (const name of ["addEventListener", "removeEventListener"]) vi.stubGlobal(name, vi.fn());
  vi.stubGlobal("fetch", async (_: string, { body }: { body: string }) => {
    if (isAway) throw new TypeError("away");
    kept.push(JSON.parse(body).document);
    return new Response("{}", { headers: { ETag: '"2"' } });
  });
});

test("what was typed just before one leaves is kept as a draft at once", async () => {
  await leave("7", typed());

  expect(kept).toEqual([{ name: "a", description: "just typed" }]);
  expect(takeLeft("7")).toBeNull();
});

test("what could not be kept is there again when one comes back", async () => {
  isAway = true;
  const editing = typed();

  await leave("7", editing);

  expect(takeLeft("7")).toBe(editing);
  expect(takeLeft("7")).toBeNull();
});
