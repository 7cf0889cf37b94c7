import { expect, test } from "vitest";
import { better, edges, type Node, places } from "../src/execution/layout";

const node = (id: string, ...after: string[]): Node => ({ id, after, hasBar: false });
const chain = ["a", "b", "c", "d", "e", "f"].map((id, at, all) =>
  node(id, ...all.slice(at - 1, at)),
);

test("a step is drawn behind those that it waits for", () => {
  const at = places([node("late", "early"), node("early")], "LR");

  expect(at.get("early")?.x).toBeLessThan(at.get("late")?.x ?? 0);
});

test("a step that waits for one that is not there is drawn all the same", () => {
  expect(edges([node("a", "gone")])).toEqual([]);
  expect(places([node("a", "gone")], "LR").size).toBe(1);
});

test("no two of many steps lie on each other", () => {
  const many = Array.from({ length: 40 }, (_, at) => node(`n${at}`, `n${Math.floor(at / 3) - 1}`));

  const all = [...places(many, "TB").values()];

  for (const [at, one] of all.entries()) {
    for (const other of all.slice(at + 1)) {
      const apart =
        Math.abs(one.x - other.x) >= one.width || Math.abs(one.y - other.y) >= one.height;
      expect(apart).toBe(true);
    }
  }
});

test("a chain goes down a high canvas and along a wide one", () => {
  expect(better(chain, { width: 390, height: 380 })).toBe("TB");
  expect(better(chain, { width: 1600, height: 400 })).toBe("LR");
});
