/** Where many steps are drawn: in layers, quickly. dagre is nicer, but takes half a minute for 1,500. */

import { type Direction, edges, type Node, type Place, sizeOf } from "./nodes";

const GAP = { LR: { along: 48, across: 28 }, TB: { along: 36, across: 28 } };
/** Rounds of putting each layer into the order of its neighbours; more change next to nothing. */
const ROUNDS = 6;

export function layered(nodes: Node[], direction: Direction): Map<string, Place> {
  const links = edges(nodes);
  const layers = inLayers(nodes, links);
  order(layers, links);
  return placed(layers, links, direction);
}

/** Each node in the first layer that is behind all it comes after; what is in a circle, in front. */
export function inLayers(nodes: Node[], links: [string, string][]): Node[][] {
  const before = new Map(nodes.map((node) => [node.id, 0]));
  const behind = grouped(links, 0, 1);
  for (const [, to] of links) before.set(to, (before.get(to) ?? 0) + 1);
  const layer = new Map<string, number>();
  const ready = nodes.filter((node) => before.get(node.id) === 0).map((node) => node.id);
  for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
    const own = layer.get(id) ?? 0;
    for (const next of behind.get(id) ?? []) {
      layer.set(next, Math.max(layer.get(next) ?? 0, own + 1));
      const open = (before.get(next) ?? 1) - 1;
      before.set(next, open);
      if (open === 0) ready.push(next);
    }
  }
  const layers: Node[][] = [];
  for (const node of nodes) {
    const at = before.get(node.id) === 0 ? (layer.get(node.id) ?? 0) : 0;
    while (layers.length <= at) layers.push([]);
    layers[at]?.push(node);
  }
  return layers;
}

function order(layers: Node[][], links: [string, string][]): void {
  const behind = grouped(links, 0, 1);
  const before = grouped(links, 1, 0);
  const rank = new Map<string, number>();
  const note = (layer: Node[]) =>
    layer.forEach((node, at) => {
      rank.set(node.id, (at + 0.5) / layer.length);
    });
  layers.forEach(note);
  for (let round = 0; round < ROUNDS; round += 1) {
    const forward = round % 2 === 0;
    const neighbours = forward ? before : behind;
    for (const layer of forward ? layers : layers.toReversed()) {
      const wish = new Map(
        layer.map(({ id }) => [id, mean(neighbours.get(id), rank) ?? rank.get(id) ?? 0]),
      );
      layer.sort((one, other) => (wish.get(one.id) ?? 0) - (wish.get(other.id) ?? 0));
      note(layer);
    }
  }
}

/** Across the layers each node comes to where its neighbours are, as far as there is room. */
function placed(layers: Node[][], links: [string, string][], direction: Direction) {
  const before = grouped(links, 1, 0);
  const behind = grouped(links, 0, 1);
  const across = direction === "LR" ? "height" : "width";
  const along = direction === "LR" ? "width" : "height";
  const gap = GAP[direction];
  const at = new Map<string, number>();
  for (const layer of layers) {
    const whole = layer.reduce((sum, node) => sum + sizeOf(node)[across] + gap.across, 0);
    let next = -whole / 2;
    for (const node of layer) {
      at.set(node.id, next + sizeOf(node)[across] / 2);
      next += sizeOf(node)[across] + gap.across;
    }
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    const forward = round % 2 === 0;
    for (const layer of forward ? layers : layers.toReversed()) {
      const neighbours = forward ? before : behind;
      spread(
        layer,
        (id) => mean(neighbours.get(id), at) ?? at.get(id) ?? 0,
        across,
        gap.across,
        at,
      );
    }
  }
  const found = new Map<string, Place>();
  const lowest = Math.min(
    ...layers.flat().map((node) => (at.get(node.id) ?? 0) - sizeOf(node)[across] / 2),
  );
  let front = 0;
  for (const layer of layers) {
    for (const node of layer) {
      const size = sizeOf(node);
      const side = (at.get(node.id) ?? 0) - size[across] / 2 - lowest;
      const corner = direction === "LR" ? { x: front, y: side } : { x: side, y: front };
      found.set(node.id, { ...corner, ...size });
    }
    front += Math.max(0, ...layer.map((node) => sizeOf(node)[along])) + gap.along;
  }
  return found;
}

/** Put nodes as near to their wishes as their order and sizes allow. */
function spread(
  layer: Node[],
  wish: (id: string) => number,
  across: "width" | "height",
  gap: number,
  at: Map<string, number>,
): void {
  // Runs of nodes that touch move as one, to the mean of what they wish.
  const runs: { nodes: Node[]; sum: number; length: number }[] = [];
  for (const node of layer) {
    const size = sizeOf(node)[across] + gap;
    let run = { nodes: [node], sum: wish(node.id) - size / 2, length: size };
    for (
      let last = runs.at(-1);
      last && start(last) + last.length > start(run);
      last = runs.at(-1)
    ) {
      runs.pop();
      const moved = run.sum - run.nodes.length * last.length;
      run = {
        nodes: last.nodes.concat(run.nodes),
        sum: last.sum + moved,
        length: last.length + run.length,
      };
    }
    runs.push(run);
  }
  for (const run of runs) {
    let next = start(run);
    for (const node of run.nodes) {
      const size = sizeOf(node)[across] + gap;
      at.set(node.id, next + size / 2);
      next += size;
    }
  }
}

const start = (run: { nodes: Node[]; sum: number }): number => run.sum / run.nodes.length;

function grouped(links: [string, string][], by: 0 | 1, what: 0 | 1): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const link of links) {
    const known = found.get(link[by]);
    if (known) known.push(link[what]);
    else found.set(link[by], [link[what]]);
  }
  return found;
}

function mean(ids: string[] | undefined, of: Map<string, number>): number | null {
  if (!ids) return null;
  return ids.reduce((sum, id) => sum + (of.get(id) ?? 0), 0) / ids.length;
}
