/** Things so that each stands behind what it comes after; circles as they came. */
export function inOrder<Thing>(
  things: readonly Thing[],
  idOf: (thing: Thing) => string,
  afterOf: (thing: Thing) => readonly string[],
): Thing[] {
  const byId = new Map(things.map((thing) => [idOf(thing), thing]));
  const before = (thing: Thing) => afterOf(thing).flatMap((id) => byId.get(id) ?? []);
  const seen = new Set<Thing>();
  const ordered: Thing[] = [];
  const visit = (first: Thing) => {
    const way: [Thing, Thing[]][] = [[first, before(first)]];
    seen.add(first);
    for (let top = way.at(-1); top; top = way.at(-1)) {
      const next = top[1].shift();
      if (next === undefined) {
        ordered.push(top[0]);
        way.pop();
      } else if (!seen.has(next)) {
        seen.add(next);
        way.push([next, before(next)]);
      }
    }
  };
  for (const thing of things) if (!seen.has(thing)) visit(thing);
  return ordered;
}
