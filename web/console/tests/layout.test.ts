import { expect, test } from "vitest";
import { inLayers, layered } from "../src/graph/layers";
import { arranged, DAGRE } from "../src/graph/layout";
import { edges, type Node, type Place } from "../src/graph/nodes";

const WIDE = { width: 1600, height: 400 };
const node = (id: string, ...after: string[]): Node => ({ id, after, hasBar: false });
const chain = ["a", "b", "c", "d", "e", "f", "g", "h", "i"].map((id, at, all) =>
  node(id, ...all.slice(Math.max(0, at - 1), at)),
);
const tree = (count: number) =>
  Array.from({ length: count }, (_, at) => node(`n${at}`, `n${Math.floor(at / 3) - 1}`));
/** As many layers of as many steps, the first of each also after one of another lane. */
const lanes = (layers: number, wide: number): Node[] =>
  Array.from({ length: layers * wide }, (_, at) => {
    const [layer, lane] = [Math.floor(at / wide), at % wide];
    const other = `${layer - 1}.${(lane * 7) % wide}`;
    return node(`${layer}.${lane}`, `${layer - 1}.${lane}`, ...(lane % 5 ? [] : [other]));
  });

function overlapping(places: Place[]): number {
  return places.filter((one, at) =>
    places
      .slice(at + 1)
      .some(
        (other) =>
          Math.abs(one.x - other.x) < one.width - 0.01 &&
          Math.abs(one.y - other.y) < one.height - 0.01,
      ),
  ).length;
}

test("a step is drawn behind those that it waits for", () => {
  const { places } = arranged([node("late", "early"), node("early")], WIDE);

  expect(places.get("early")?.x).toBeLessThan(places.get("late")?.x ?? 0);
});

test("a step that waits for one that is not there is drawn all the same", () => {
  expect(edges([node("a", "gone")])).toEqual([]);
  expect(arranged([node("a", "gone")], WIDE).places.size).toBe(1);
});

test("steps may have ids that every object knows", () => {
  const { places } = arranged([node("toString", "constructor"), node("constructor")], WIDE);

  expect(places.get("constructor")?.x).toBeLessThan(places.get("toString")?.x ?? 0);
});

test("no two steps lie on each other, few as well as many", () => {
  for (const count of [40, DAGRE + 50]) {
    expect(overlapping([...arranged(tree(count), WIDE).places.values()])).toBe(0);
  }
});

test("a chain goes down a high canvas and along a wide one", () => {
  expect(arranged(chain, { width: 390, height: 380 }).direction).toBe("TB");
  expect(arranged(chain, WIDE).direction).toBe("LR");
});

test("fifteen hundred steps are placed in far less than the blink that dagre would not make", () => {
  const begun = performance.now();

  const places = layered(lanes(30, 50), "LR");

  expect(performance.now() - begun).toBeLessThan(1_000);
  expect(overlapping([...places.values()])).toBe(0);
});

test("parallel lanes are drawn as lanes: a step is beside the one that it comes after", () => {
  const places = layered(lanes(4, 3), "LR");

  expect(places.get("3.1")?.y).toBe(places.get("0.1")?.y);
});

test("a step is one layer behind the last of those that it waits for; a circle ends nothing", () => {
  const nodes = [node("a"), node("b", "a"), node("c", "a", "b"), node("x", "y"), node("y", "x")];

  const layers = inLayers(nodes, edges(nodes)).map((layer) => layer.map(({ id }) => id));

  expect(layers).toEqual([["a", "x", "y"], ["b"], ["c"]]);
});
