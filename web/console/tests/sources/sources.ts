/** The sources as they stand: which file needs which, and what a page brings along. */

import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path/posix";

const MADE = "api/schema.ts";

/** Each file below `src` by its path there. */
export const FILES: ReadonlyMap<string, string> = new Map(
  readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(tsx?|css)$/.test(path) && path !== MADE)
    .map((path) => [path, readFileSync(join("src", path), "utf8")]),
);

const STATIC = /(?:from|import) "(\.[^"]+)"/g;
const LAZY = /import\("(\.[^"]+)"\)/g;

function targets(file: string, pattern: RegExp): string[] {
  const found = [...(FILES.get(file) ?? "").matchAll(pattern)].map(([, path]) =>
    join(dirname(file), path ?? ""),
  );
  return found.flatMap((path) => {
    const target = [path, `${path}.ts`, `${path}.tsx`].find((one) => FILES.has(one));
    return target === undefined ? [] : [target];
  });
}

/** What a file imports, and with it is loaded. */
export const importsOf = (file: string): string[] => targets(file, STATIC);
/** What it loads when it is needed. */
export const lazyOf = (file: string): string[] => targets(file, LAZY);

/** A folder below `src`; "" are the files beside them: the frame. */
export const folderOf = (file: string): string =>
  file.includes("/") ? (dirname(file).split("/")[0] ?? "") : "";

/** The modules of the pages, each loaded when one goes there. */
export const PAGE_FILES: readonly string[] = lazyOf("pages.ts");

/** A file with all that it needs, and that what it needs does. */
export function withAll(file: string, next: (file: string) => string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [file];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    if (found.has(one)) continue;
    found.add(one);
    open.push(...next(one));
  }
  return found;
}
