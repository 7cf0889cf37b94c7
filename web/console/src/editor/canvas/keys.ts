/** The keys of the canvas: what each does there, and what the list of keys says of it. */

import type { KeyboardEvent } from "react";
import type { Key } from "../../keys/keys";
import type { Placed } from "../model/steps";
import type { Acts } from "./acts";
import { focusStep } from "./focus";
import type { Points } from "./places";
import { neighbour, type Way } from "./walking";

export interface Drawn {
  steps: readonly Placed[];
  handlers: readonly Placed[];
  points: Points;
  selected: ReadonlySet<string>;
  acts: Acts;
  /** Asks what the step is to be connected to. */
  connectFrom: (key: string) => void;
}

interface At extends Drawn {
  pressed: string;
  /** The step that has the focus. */
  focused: string | null;
  /** What is chosen, or else what has the focus. */
  meant: string[];
}

interface CanvasKey {
  /** As it is listed. */
  keys: string;
  word: string;
  pressed: string[];
  act: (at: At) => void;
}

const WAYS: Readonly<Record<string, Way>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

const KEYS: CanvasKey[] = [
  {
    keys: "← → ↑ ↓",
    word: "To the step before, behind, above, below",
    pressed: Object.keys(WAYS),
    act: walk,
  },
  {
    keys: "Enter",
    word: "Open the step: its panel, or the block",
    pressed: ["Enter"],
    act: open,
  },
  { keys: "Space", word: "Choose the step", pressed: [" "], act: choose },
  { keys: "c", word: "Connect the step to another", pressed: ["c"], act: connect },
  {
    keys: "Delete",
    word: "Take away what is chosen; also with Backspace",
    pressed: ["Delete", "Backspace"],
    act: remove,
  },
  {
    keys: "Escape",
    word: "Choose nothing; in a form, back to its step",
    pressed: ["Escape"],
    act: ({ acts }) => acts.select([]),
  },
  {
    keys: "mod+a",
    word: "Choose all",
    pressed: ["mod+a"],
    act: ({ steps, handlers, acts }) => acts.select([...steps, ...handlers].map(({ key }) => key)),
  },
  {
    keys: "mod+c",
    word: "Copy as JSON, also for another tab",
    pressed: ["mod+c"],
    act: ({ acts, meant }) => acts.copy(meant),
  },
  {
    keys: "mod+x",
    word: "Copy, and take away",
    pressed: ["mod+x"],
    act: (at) => {
      at.acts.copy(at.meant);
      remove(at);
    },
  },
  { keys: "mod+v", word: "Paste", pressed: ["mod+v"], act: ({ acts }) => acts.paste() },
];

export const CANVAS_KEYS: Key[] = KEYS.map(({ keys, word }) => ({
  keys,
  word,
  where: "Canvas",
  act: null,
}));

const BY_PRESSED = new Map(KEYS.flatMap(({ pressed, act }) => pressed.map((one) => [one, act])));

/** Does what a key means, where the canvas or a step on it has the focus. */
export function press(event: KeyboardEvent<HTMLElement>, drawn: Drawn): void {
  const target = event.target as HTMLElement;
  if (target.closest("input, textarea, select, button, [contenteditable]")) return;
  const command = event.ctrlKey || event.metaKey;
  if (event.altKey || (command && event.shiftKey)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const pressed = command ? `mod+${key}` : key;
  const act = BY_PRESSED.get(pressed);
  if (!act) return;
  // Neither the page scrolls, nor is a text selected or copied.
  event.preventDefault();
  const focused = target.closest<HTMLElement>(".react-flow__node")?.dataset.id ?? null;
  const { selected } = drawn;
  const meant = selected.size > 0 ? [...selected] : focused === null ? [] : [focused];
  act({ ...drawn, pressed, focused, meant });
}

function walk({ pressed, focused, steps, handlers, points }: At): void {
  const next = neighbour(focused, WAYS[pressed] ?? "right", steps, handlers, points);
  if (next !== null) focusStep(next);
}

function choose({ focused, acts }: At): void {
  if (focused !== null) acts.select([focused]);
}

function open(at: At): void {
  const { focused, selected, acts } = at;
  if (focused !== null && selected.has(focused)) acts.open(focused);
  else choose(at);
}

function connect({ focused, meant, connectFrom }: At): void {
  const from = focused ?? (meant.length === 1 ? meant[0] : undefined);
  if (from !== undefined && !isLine(from)) connectFrom(from);
}

function remove({ meant, acts }: At): void {
  const lines = meant.filter(isLine);
  if (lines.length > 0) acts.disconnect(lines);
  const steps = meant.filter((key) => !isLine(key));
  if (steps.length > 0) acts.remove(steps);
}

/** A line has the keys of both its ends. */
const isLine = (key: string): boolean => key.includes("\n");
