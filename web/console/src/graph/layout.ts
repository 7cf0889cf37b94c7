/** Where the steps of a definition are drawn. Sizes are fixed, so nothing moves after the paint. */

import { Graph, layout } from "@dagrejs/dagre";
import { layered } from "./layers";
import { type Direction, edges, type Node, type Place, type Size, sizeOf } from "./nodes";

/** Up to so many nodes dagre lays them out: in 0.1 s, but ten times as many would take it 30 s. */
export const DAGRE = 150;

export interface Arrangement {
  direction: Direction;
  places: Map<string, Place>;
  size: Size;
}

/** In the direction in which all nodes are drawn larger on a canvas of this size; rather LR. */
export function arranged(nodes: Node[], canvas: Size): Arrangement {
  const along = arrangedIn(nodes, "LR");
  if (shrink(along.size, canvas) === 1) return along;
  const down = arrangedIn(nodes, "TB");
  return shrink(along.size, canvas) * 1.1 >= shrink(down.size, canvas) ? along : down;
}

const shrink = (size: Size, canvas: Size): number =>
  Math.min(1, canvas.width / size.width, canvas.height / size.height);

function arrangedIn(nodes: Node[], direction: Direction): Arrangement {
  const places = nodes.length > DAGRE ? layered(nodes, direction) : byDagre(nodes, direction);
  let [width, height] = [1, 1];
  for (const place of places.values()) {
    width = Math.max(width, place.x + place.width);
    height = Math.max(height, place.y + place.height);
  }
  return { direction, places, size: { width, height } };
}

function byDagre(nodes: Node[], direction: Direction): Map<string, Place> {
  const graph = new Graph();
  graph.setGraph({ rankdir: direction, nodesep: 28, ranksep: direction === "LR" ? 48 : 36 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(nameOf(node.id), { ...sizeOf(node) });
  for (const [from, to] of edges(nodes)) graph.setEdge(nameOf(from), nameOf(to));
  layout(graph);
  return new Map(nodes.map(({ id }) => [id, corner(graph.node(nameOf(id)) as Place)]));
}

/** dagre keeps nodes by their names in plain objects, which have a `constructor` already. */
const nameOf = (id: string): string => `step ${id}`;

const corner = ({ x, y, width, height }: Place): Place => ({
  x: x - width / 2,
  y: y - height / 2,
  width,
  height,
});
