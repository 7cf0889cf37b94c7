/** The actions to choose from: dragged to the canvas, or added behind the chosen step. */

import { type DragEvent, type KeyboardEvent, type MouseEvent, memo, useState } from "react";
import { foundActions } from "../parts/actionSearch";
import { focusCanvas } from "./canvas/focus";
import { Glyph } from "./Glyph";
import { ACTION, type Action, BLOCK, type Palette } from "./palette";

export const ActionPalette = memo(function ActionPalette({
  palette,
  add,
}: {
  palette: Palette | null;
  /** By keys: then the focus goes to the step that was added. */
  add: (action: string, byKeys: boolean) => void;
}) {
  const [text, setText] = useState("");
  const found = foundActions(palette?.categories ?? [], text, null);
  const showBlock = "block of steps".includes(text.toLowerCase().trim());
  const first = found[0]?.actions[0]?.type ?? BLOCK;
  return (
    <section className="action-palette" aria-label="Actions" onKeyDown={walk}>
      <input
        type="search"
        data-search
        data-own-undo
        aria-label="Find an action"
        placeholder="Find an action  /"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && text && first !== BLOCK) add(first, true);
          if (event.key === "Escape" && text) setText("");
          else if (event.key === "Escape") focusCanvas();
        }}
      />
      {!palette && <p className="muted">Loading the actions…</p>}
      {found.map(({ name, actions }) => (
        <section key={name} aria-label={name}>
          <h3>
            {name} <span>{actions.length}</span>
          </h3>
          {actions.map((action) => (
            <Entry key={action.type} action={action} isFirst={action.type === first} add={add} />
          ))}
        </section>
      ))}
      {palette && showBlock && (
        <section aria-label="Structure">
          <h3>Structure</h3>
          <button
            type="button"
            className="action"
            draggable
            tabIndex={first === BLOCK ? 0 : -1}
            title="Some steps as one: to repeat, retry or catch them together"
            onDragStart={(event) => drag(event, BLOCK)}
            onClick={(event) => add(BLOCK, isOfKeys(event))}
          >
            <Glyph icon="block" />
            Block of steps
          </button>
        </section>
      )}
      {palette && found.length === 0 && !showBlock && (
        <p className="muted">
          No action speaks of “{text}”. <code>pipeline-engine actions list</code> has all.
        </p>
      )}
    </section>
  );
});

/** Enter and Space press a button without having clicked. */
const isOfKeys = ({ detail }: MouseEvent): boolean => detail === 0;

/** One stop on the way by Tab, however many there are; arrows go from one to the next. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const stops = [...event.currentTarget.querySelectorAll<HTMLElement>("input, .action")];
  const next = stops[stops.indexOf(event.target as HTMLElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function Entry({
  action,
  isFirst,
  add,
}: {
  action: Action;
  isFirst: boolean;
  add: (action: string, byKeys: boolean) => void;
}) {
  return (
    <button
      type="button"
      className="action"
      draggable
      tabIndex={isFirst ? 0 : -1}
      title={action.description}
      onDragStart={(event) => drag(event, action.type)}
      onClick={(event) => add(action.type, isOfKeys(event))}
    >
      <Glyph icon={action.icon} color={action.color} />
      <span>{action.name}</span>
      {action.deprecated && <span className="badge">old</span>}
    </button>
  );
}

function drag(event: DragEvent, action: string): void {
  event.dataTransfer.setData(ACTION, action);
  event.dataTransfer.effectAllowed = "copy";
}
