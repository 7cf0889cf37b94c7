import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FILES } from "./sources";

const EXPORTED = /^export (?:async )?(?:function|const|let|class) (\w+)/gm;

const TESTS = readdirSync("tests", { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => readFileSync(`tests/${path}`, "utf8"));

/** What a text takes from others: by name, or as `fields.NAME` of all that a module has. */
function taken(text: string): string[] {
  const named = [...text.matchAll(/^(?:import|export) (?:type )?(?:\w+, )?\{([^}]*)\}/gm)];
  const wholes = [...text.matchAll(/^import \* as (\w+)/gm)].map(([, name]) => name);
  const ofWholes = wholes.flatMap((name) => [
    ...text.matchAll(new RegExp(`\\b${name}\\.(\\w+)`, "g")),
  ]);
  return [...named, ...ofWholes].flatMap(([, list]) => (list ?? "").split(/\W+/));
}

test("a value that is exported is imported somewhere", () => {
  const all = new Set([...FILES.values(), ...TESTS].flatMap(taken));
  const unused = [...FILES].flatMap(([file, text]) =>
    [...text.matchAll(EXPORTED)]
      .map(([, name]) => name as string)
      .filter((name) => !all.has(name))
      .map((name) => `${file}: ${name}`),
  );

  expect(unused).toEqual([]);
});
