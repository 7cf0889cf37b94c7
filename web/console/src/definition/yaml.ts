/** The same definition as YAML: for people only, the API speaks JSON. Loaded when it is asked for. */

import {
  Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  parseDocument,
  type Scalar,
  type ScalarTag,
} from "yaml";
import { Exact, type Json, type Members } from "../api/json";
import { exactly, lineAt, orFault, type TextFault, Unreadable } from "../api/jsonText";
import { pointerTo } from "../api/pointer";
import { asDefinition, type Read } from "./text";

const DECIMAL = /^[-+]?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/;
/** Anchors that name each other would make a document endless. */
const MOST_VALUES = 200_000;

const digits: ScalarTag = {
  tag: "tag:yaml.org,2002:float",
  default: true,
  identify: (value) => value instanceof Exact,
  resolve: (text) => exactly(text),
  stringify: ({ value }) => String(value),
};

export function printYaml(document: Members): string {
  const made = new Document(document, { customTags: (tags) => [digits, ...tags] });
  return made.toString({ lineWidth: 100, indentSeq: true });
}

export function readYaml(text: string): Read | TextFault {
  const parsed = parseDocument(text, { prettyErrors: false, uniqueKeys: true, merge: false });
  const wrong = parsed.errors[0];
  if (wrong) return { message: wrong.message, ...lineAt(text, wrong.pos[0]) };
  return orFault(text, () => {
    const reader = new Reader(parsed);
    return asDefinition(reader.value(parsed.contents, []), reader.places);
  });
}

type Path = (string | number)[];

class Reader {
  readonly places = new Map<string, number>();

  constructor(private readonly parsed: ReturnType<typeof parseDocument>) {}

  value(node: unknown, path: Path): Json {
    const here = isAlias(node) ? node.resolve(this.parsed) : (node as Node | null);
    const offset = (node as Node | null)?.range?.[0] ?? 0;
    this.places.set(pointerTo(path), offset);
    if (this.places.size > MOST_VALUES) throw new Unreadable("This says too much", offset);
    if (path.length > 200) throw new Unreadable("This is nested too deep", offset);
    if (isMap(here)) return this.members(here.items, path, offset);
    if (isSeq(here)) return here.items.map((item, index) => this.value(item, [...path, index]));
    if (isScalar(here)) return plainOf(here, offset);
    return null;
  }

  private members(items: { key: unknown; value: unknown }[], path: Path, offset: number): Members {
    return Object.fromEntries(
      items.map(({ key, value }) => {
        if (!isScalar(key)) throw new Unreadable("A key has to be a text", offset);
        const name = typeof key.value === "string" ? key.value : (key.source ?? String(key.value));
        return [name, this.value(value, [...path, name])];
      }),
    );
  }
}

function plainOf(scalar: Scalar, offset: number): Json {
  const { value, source } = scalar;
  if (typeof value === "bigint") return exactly(String(value));
  if (typeof value !== "number") return (value ?? null) as Json;
  if (source !== undefined && DECIMAL.test(source)) return exactly(source.replace(/^\+/, ""));
  if (!Number.isFinite(value)) throw new Unreadable(`${source} is no number of JSON`, offset);
  return value;
}
