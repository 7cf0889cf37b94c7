import { expect, test } from "vitest";
import { FILES, folderOf, importsOf, lazyOf, PAGE_FILES } from "./sources";

const PAGES = new Set(PAGE_FILES.map(folderOf));

/** A page that shows, in a place of its own, what belongs to another one; each with its reason. */
const NEIGHBOURS: Readonly<Record<string, readonly string[]>> = {
  // The page of one pipeline has the acts of the list: duplicate, export, archive, delete.
  pipeline: ["pipelines"],
  // One page lists webhooks, event triggers and deliveries, each under a tab.
  webhooks: ["triggers"],
};

/** Lower ones first: of these a folder imports only what is before it. */
const ORDER = ["api", "theme", "definition", "graph", "forms", "parts", "approvals", "lights"];

const crossings = [...FILES.keys()].flatMap((file) =>
  [...importsOf(file), ...(file === "pages.ts" ? [] : lazyOf(file))]
    .filter((target) => folderOf(target) !== folderOf(file))
    .map((target) => ({ file, target, from: folderOf(file), to: folderOf(target) })),
);
const lines = (found: typeof crossings) => found.map(({ file, target }) => `${file} → ${target}`);

test("a page imports no other page, because each is loaded alone and may go alone", () => {
  const wrong = crossings.filter(
    ({ from, to }) => PAGES.has(from) && PAGES.has(to) && !NEIGHBOURS[from]?.includes(to),
  );

  expect(lines(wrong)).toEqual([]);
});

test("what pages share knows no page, and the frame loads pages only when one goes there", () => {
  const wrong = crossings.filter(({ from, to }) => !PAGES.has(from) && PAGES.has(to));

  expect(lines(wrong)).toEqual([]);
});

test("shared folders import downwards only", () => {
  const wrong = crossings.filter(
    ({ from, to }) =>
      ORDER.includes(from) && ORDER.includes(to) && ORDER.indexOf(to) > ORDER.indexOf(from),
  );

  expect(lines(wrong)).toEqual([]);
});

test("no two files import each other, not even by way of others", () => {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]) => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(" → "));
    if (done.has(file) || path.includes(file)) return;
    for (const target of importsOf(file)) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of FILES.keys()) visit(file, []);

  expect(circles).toEqual([]);
});
