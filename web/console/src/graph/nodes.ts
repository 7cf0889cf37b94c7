/** The nodes of a graph, as its layout needs them. */

export const NODE = { width: 200, height: 62 };
const NODE_WITH_BAR = { width: 200, height: 78 };

export interface Node {
  id: string;
  after: string[];
  hasBar: boolean;
}

export interface Size {
  width: number;
  height: number;
}

/** The upper left corner of a node, and its size. */
export interface Place extends Size {
  x: number;
  y: number;
}

/** From left to right, or from top to bottom. */
export type Direction = "LR" | "TB";

export const sizeOf = (node: Node): Size => (node.hasBar ? NODE_WITH_BAR : NODE);

/** From what a node comes after, to it. What it comes after may be missing. */
export function edges(nodes: Node[]): [string, string][] {
  const known = new Set(nodes.map((node) => node.id));
  return nodes.flatMap(({ id, after }) =>
    after.filter((before) => known.has(before)).map((before): [string, string] => [before, id]),
  );
}

/** Whether two places have something in common. */
export const meet = (one: Place, other: Place): boolean =>
  one.x < other.x + other.width &&
  other.x < one.x + one.width &&
  one.y < other.y + other.height &&
  other.y < one.y + one.height;
