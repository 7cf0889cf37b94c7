/** The canvas of one list of steps: where its steps lie, which are chosen, and what is done to them. */

import { useReactFlow } from "@xyflow/react";
import { useDeferredValue, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import type { Path } from "../../api/pointer";
import type { Direction } from "../../graph/nodes";
import { announce } from "../../parts/announce";
import { go, Link, withQuery } from "../../router";
import { useEditor } from "../context";
import { addStep, connect, disconnect, paste, removeSteps } from "../model/changes";
import { copied, stepsIn } from "../model/clipboard";
import {
  blocksAround,
  everyStep,
  HANDLER_LISTS,
  handlersPath,
  isBlock,
  nameOf,
  type Placed,
  stepsOf,
} from "../model/steps";
import { ACTION, newStep } from "../palette";
import type { Acts } from "./acts";
import { Canvas } from "./Canvas";
import { focusCanvas } from "./focus";
import { completed, FIT, laidOut, type Point, type Points } from "./places";

interface Props {
  id: string;
  list: Path;
  chosen: string | null;
  /** How often it was asked to put all in order. */
  layouts: number;
}

export function CanvasView(props: Props) {
  const frame = useRef<HTMLElement>(null);
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  useLayoutEffect(() => {
    const { current } = frame;
    if (current) setSize({ width: current.clientWidth, height: current.clientHeight });
  }, []);
  const place = String(props.list);
  return (
    <section className="edit-graph" aria-label="Canvas" ref={frame}>
      <Crumbs list={props.list} />
      {size && <Filled key={place} {...props} size={size} />}
    </section>
  );
}

function Filled({
  list,
  chosen,
  layouts,
  size,
}: Props & { size: { width: number; height: number } }) {
  const { editing, palette, problems, jump } = useEditor();
  // Typing in a form comes before drawing: with hundreds of steps that takes a moment.
  const document = useDeferredValue(editing.document);
  const { fitView } = useReactFlow();
  const steps = useMemo(() => stepsOf(document, list), [document, list]);
  const handlers = useMemo(() => handlersOf(document, list), [document, list]);
  const [first] = useState(() => laidOut(steps, size));
  const [direction, setDirection] = useState<Direction>(first.direction);
  const [points, setPoints] = useState<Points>(first.points);
  const complete = useMemo(() => completed(steps, points, direction), [steps, points, direction]);
  const [several, setSeveral] = useState<ReadonlySet<string>>(new Set());
  const selected = useMemo(
    () => (several.size > 0 ? several : new Set(chosen === null ? [] : [chosen])),
    [several, chosen],
  );
  useEffect(() => {
    if (complete !== points) setPoints(complete);
  }, [complete, points]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked for by its number
  useEffect(() => {
    if (layouts === 0) return;
    const next = laidOut(steps, size);
    setDirection(next.direction);
    setPoints(next.points);
    requestAnimationFrame(() => void fitView(FIT));
  }, [layouts]);

  const byKey = new Map([...steps, ...handlers].map((placed) => [placed.key, placed]));
  const idsOf = (keys: string[]) => keys.flatMap((key) => byKey.get(key)?.id ?? []);
  const select = (keys: string[]) => {
    const [only] = keys;
    const isOne = keys.length === 1 && only !== undefined && byKey.has(only);
    setSeveral(isOne ? new Set() : new Set(keys));
    const step = isOne ? (byKey.get(only)?.id ?? null) : null;
    if (step !== chosen) go(withQuery({ step, in: blockOf(document, list) }), { replace: true });
  };
  const add = (made: ReturnType<typeof newStep>, point: Point) => {
    const { document: next, ids } = addStep(editing.document, list, made);
    const [id] = ids;
    if (id) setPoints((before) => new Map(before).set(id, point));
    editing.change(next);
    if (id) go(withQuery({ step: id, tab: null }), { replace: true });
  };
  const acts: Acts = {
    select,
    open: (key) => {
      const placed = byKey.get(key);
      if (!placed) return;
      if (isBlock(placed.step)) go(withQuery({ in: placed.id, step: null }));
      else {
        jump(placed.id);
        requestAnimationFrame(focusPanel);
      }
    },
    connect: (from, to) => editing.change(connect(editing.document, list, from, to)),
    disconnect: (lines) =>
      editing.change(
        lines.reduce((now, line) => {
          const [from = "", to = ""] = line.split("\n");
          return disconnect(now, list, from, to);
        }, editing.document),
      ),
    remove: (keys) => {
      const ids = idsOf(keys);
      if (ids.length === 0) return;
      editing.change(removeSteps(editing.document, ids));
      setSeveral(new Set());
      go(withQuery({ step: null, in: blockOf(document, list) }), { replace: true });
      announce(
        `${ids.length === 1 ? ids[0] : `${ids.length} steps`} taken away. Ctrl Z brings back.`,
      );
      focusCanvas();
    },
    add: (action, point) => add(newStep(action, palette), point),
    moveTo: (moved) => setPoints((before) => new Map([...before, ...moved])),
    copy: (keys) => void copy(keys.flatMap((key) => byKey.get(key) ?? [])),
    paste: () =>
      void pasted().then((found) => {
        if (!found) return;
        const { document: next, ids } = paste(editing.document, list, found);
        editing.change(next);
        setSeveral(ids.length > 1 ? new Set(ids) : new Set());
        go(withQuery({ step: ids.length === 1 ? (ids[0] ?? null) : null }), { replace: true });
        announce(`Pasted ${ids.join(", ")}.`);
      }),
  };
  if (steps.length === 0 && handlers.length === 0) return <Empty acts={acts} />;
  return (
    <Canvas
      steps={steps}
      handlers={handlers}
      points={complete}
      direction={direction}
      selected={selected}
      problems={problems}
      palette={palette}
      acts={acts}
    />
  );
}

const focusPanel = () =>
  window.document
    .querySelector<HTMLElement>(".panel-body :is(input, textarea, select, button)")
    ?.focus();

function handlersOf(document: Parameters<typeof stepsOf>[0], list: Path): Placed[] {
  if (list.length > 1) return [];
  return HANDLER_LISTS.flatMap((name) => stepsOf(document, handlersPath(name)));
}

function blockOf(document: Parameters<typeof stepsOf>[0], list: Path): string | null {
  return blocksAround(document, list).at(-1)?.id ?? null;
}

async function copy(placed: Placed[]): Promise<void> {
  if (placed.length === 0) return;
  try {
    await navigator.clipboard.writeText(copied(placed.map(({ step }) => step)));
    announce(`Copied ${placed.map(({ id }) => id).join(", ")}.`);
  } catch {
    announce("The browser forbids to copy.", { failed: true });
  }
}

async function pasted() {
  const text = await navigator.clipboard.readText().catch(() => null);
  if (text === null) {
    announce("The browser forbids to read the clipboard.", { failed: true });
    return null;
  }
  const found = stepsIn(text);
  if (!found) announce("There are no steps on the clipboard.", { failed: true });
  return found;
}

/** The blocks that one has gone into. */
function Crumbs({ list }: { list: Path }) {
  const { editing } = useEditor();
  const around = blocksAround(editing.document, list);
  if (around.length === 0) return null;
  return (
    <nav className="block-crumbs" aria-label="Blocks around">
      <Link href={withQuery({ in: null, step: null })}>The pipeline</Link>
      {around.map(({ key, id, step }, index) => (
        <span key={key}>
          {" / "}
          <Link
            href={withQuery({ in: id, step: null })}
            aria-current={index === around.length - 1 ? "true" : undefined}
          >
            {nameOf(step)}
          </Link>
        </span>
      ))}
    </nav>
  );
}

function Empty({ acts }: { acts: Acts }) {
  const { editing } = useEditor();
  const isWhole = everyStep(editing.document).length === 0;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what is dropped or pasted comes here
    <div
      className="flow empty-canvas"
      data-canvas
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what is pasted comes here
      tabIndex={0}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        const action = event.dataTransfer.getData(ACTION);
        if (action) acts.add(action, { x: 0, y: 0 });
      }}
      onKeyDown={(event) => {
        if ((event.ctrlKey || event.metaKey) && event.key === "v") acts.paste();
      }}
    >
      <div className="notice">
        <h2>{isWhole ? "No steps yet" : "There is nothing in this block yet"}</h2>
        <p>Drag an action here, or choose one with Enter. Steps can be pasted, too.</p>
      </div>
    </div>
  );
}
