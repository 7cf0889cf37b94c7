import { expect, test } from "vitest";
import { FILES, importsOf, lazyOf, PAGE_FILES, withAll } from "./sources";

interface Rule {
  sheet: string;
  selector: string;
  /** All have to be on the page for the rule to do something. */
  classes: string[];
}

const SHEETS = [...FILES].filter(([path]) => path.endsWith(".css"));
const TOKENS = "styles/tokens.css";

/** What xyflow calls what it draws. */
const OF_LIBRARY = /^react-flow|^connect|^valid$/;

const bare = (css: string) => css.replaceAll(/\/\*[\s\S]*?\*\//g, "");

const RULES: Rule[] = SHEETS.flatMap(([sheet, css]) =>
  [...bare(css).matchAll(/([^{};]+)\{/g)]
    .map(([, head]) => (head ?? "").trim())
    .filter((head) => !/^(@|from$|to$|\d)/.test(head))
    // What may be and what may not be is no condition that a page could fail.
    .map((head) => head.replaceAll(/:(?:not|is|where|has)\((?:[^()]|\([^()]*\))*\)/g, ""))
    .flatMap((head) => head.split(","))
    .map((selector) => ({ sheet, selector: selector.trim(), classes: classesIn(selector) })),
);

function classesIn(selector: string): string[] {
  return [...selector.matchAll(/\.([A-Za-z_][\w-]*)/g)].map(([, name]) => name as string);
}

/** Words in the texts of a file, which may be classes; `bar-${look}` is every one that begins so. */
function wordsOf(file: string): string[] {
  const text = (FILES.get(file) ?? "").replaceAll(/(?:from|import\(?) ?"[^"]*"/g, "");
  const texts = text.matchAll(/"([^"\n]*)"|`([^`]*)`/g);
  return [...texts].flatMap(([, plain, template]) =>
    (plain ?? template?.replaceAll(/(-?)\$\{([^}]*)\}/g, textsIn) ?? "").split(/[^\w*-]+/),
  );
}

const textsIn = (_: string, dash: string, code: string): string =>
  `${dash && "-*"} ${(code.match(/"[^"]*"/g) ?? []).join(" ")} `;

const words = new Map([...FILES.keys()].map((file) => [file, wordsOf(file)]));

/** Whether one of the files names the class, whole or by its begin. */
function namer(files: Iterable<string>): (name: string) => boolean {
  const all = new Set([...files].flatMap((file) => words.get(file) ?? []));
  const begins = [...all]
    .filter((word) => /^[\w-]+-\*$/.test(word))
    .map((word) => word.slice(0, -1));
  return (name) => all.has(name) || begins.some((begin) => name.startsWith(begin));
}

const needed = (file: string) => [...importsOf(file), ...lazyOf(file)];
const FRAME = withAll("main.tsx", importsOf);

test.each([...PAGE_FILES])("what other pages load does not restyle %s", (page) => {
  const loaded = new Set([...FRAME, ...withAll(page, needed)]);
  const isNamed = namer([...loaded].filter((file) => !file.endsWith(".css")));

  const strays = RULES.filter(
    ({ sheet, classes }) => !loaded.has(sheet) && classes.every((name) => isNamed(name)),
  );

  expect(strays.map(({ sheet, selector }) => `${sheet}: ${selector}`)).toEqual([]);
});

test("every class that is styled is used, or is one of the graph's library", () => {
  const isNamed = namer([...FILES.keys()].filter((file) => !file.endsWith(".css")));
  const unused = RULES.filter(({ classes }) =>
    classes.some((name) => !isNamed(name) && !OF_LIBRARY.test(name)),
  );

  expect(unused.map(({ sheet, selector }) => `${sheet}: ${selector}`)).toEqual([]);
});

test.each([...PAGE_FILES])("no field of %s is left as the browser has it", (page) => {
  const loaded = new Set([...FRAME, ...withAll(page, needed)]);
  const styled = new Set(RULES.flatMap(({ sheet, classes }) => (loaded.has(sheet) ? classes : [])));
  const named = [...loaded].flatMap((file) =>
    [...(FILES.get(file) ?? "").matchAll(/className="([^"]+)"/g)].flatMap(([, names = ""]) =>
      names.split(" ").map((name) => `${file}: ${name}`),
    ),
  );

  expect(named.length).toBeGreaterThan(30);
  expect(named.filter((one) => !styled.has(one.split(": ")[1] ?? ""))).toEqual([]);
});

test("colours are tokens, so that each has a light and a dark one", () => {
  const colour = /#[\da-f]{3,8}\b|\b(?:rgb|hsl)a?\(|[:\s](?:white|black)[;\s]/i;
  const found = SHEETS.filter(([sheet]) => sheet !== TOKENS).flatMap(([sheet, css]) =>
    bare(css)
      .split("\n")
      .filter((line) => colour.test(line.replace(/white-space:.*/, "")))
      .map((line) => `${sheet}: ${line.trim()}`),
  );

  expect(found).toEqual([]);
});

test("nothing is important, but that who wants no motion gets none", () => {
  const found = SHEETS.filter(([, css]) => css.includes("!important")).map(([sheet]) => sheet);

  expect(found).toEqual(["styles/base.css"]);
});
