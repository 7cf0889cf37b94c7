/** Where the steps of a definition are drawn. Sizes are fixed, so nothing moves after the paint. */

import { Graph, layout } from "@dagrejs/dagre";

export const NODE = { width: 200, height: 62 };
export const NODE_WITH_BAR = { width: 200, height: 78 };

export interface Node {
  id: string;
  after: string[];
  hasBar: boolean;
}

export interface Place {
  x: number;
  y: number;
  width: number;
  height: number;
}

export type Direction = "LR" | "TB";

/** The upper left corner and size of each node. What a node comes after may be missing. */
export function places(nodes: Node[], direction: Direction): Map<string, Place> {
  const graph = new Graph();
  graph.setGraph({ rankdir: direction, nodesep: 28, ranksep: direction === "LR" ? 48 : 36 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const node of nodes) graph.setNode(node.id, { ...(node.hasBar ? NODE_WITH_BAR : NODE) });
  for (const [from, to] of edges(nodes)) graph.setEdge(from, to);
  layout(graph);
  return new Map(nodes.map(({ id }) => [id, corner(graph.node(id) as Place)]));
}

export function edges(nodes: Node[]): [string, string][] {
  const known = new Set(nodes.map((node) => node.id));
  return nodes.flatMap(({ id, after }) =>
    after.filter((before) => known.has(before)).map((before): [string, string] => [before, id]),
  );
}

/** The direction in which all nodes are drawn larger on a canvas of this size; rather LR. */
export function better(nodes: Node[], canvas: { width: number; height: number }): Direction {
  const scale = (direction: Direction): number => {
    const all = [...places(nodes, direction).values()];
    const width = Math.max(1, ...all.map(({ x, width }) => x + width));
    const height = Math.max(1, ...all.map(({ y, height }) => y + height));
    return Math.min(1, canvas.width / width, canvas.height / height);
  };
  return scale("LR") * 1.1 >= scale("TB") ? "LR" : "TB";
}

const corner = ({ x, y, width, height }: Place): Place => ({
  x: x - width / 2,
  y: y - height / 2,
  width,
  height,
});
