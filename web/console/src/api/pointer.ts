/** Places in a JSON value, and how pointers name them (RFC 6901). */

/** The way to a place: keys of objects, and indexes of lists. */
export type Path = readonly (string | number)[];

export const pointerTo = (path: Path): string =>
  path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

export function pathOf(pointer: string): Path {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((part) => (/^(0|[1-9]\d*)$/.test(part) ? Number(part) : part));
}
