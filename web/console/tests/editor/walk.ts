/** Random walks with a seed, so that a failure can be walked again. */

export function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };
}

export const one = <Value>(list: readonly Value[], pick: (below: number) => number): Value =>
  list[pick(list.length)] as Value;
