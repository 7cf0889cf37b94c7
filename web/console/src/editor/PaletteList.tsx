/** The actions to choose from: dragged to the canvas, or added behind the chosen step. */

import { type DragEvent, memo, useState } from "react";
import { Glyph } from "./Glyph";
import { ACTION, type Action, BLOCK, type Palette, searched } from "./palette";

export const PaletteList = memo(function PaletteList({
  palette,
  add,
}: {
  palette: Palette | null;
  add: (action: string) => void;
}) {
  const [text, setText] = useState("");
  const found = searched(palette?.categories ?? [], text);
  const showBlock = "block of steps".includes(text.toLowerCase().trim());
  return (
    <section className="action-palette" aria-label="Actions">
      <input
        type="search"
        data-search
        data-own-undo
        aria-label="Find an action"
        placeholder="Find an action  /"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          const first = found[0]?.actions[0];
          if (event.key === "Enter" && text && first) add(first.type);
          if (event.key === "Escape") setText("");
        }}
      />
      {!palette && <p className="muted">Loading the actions…</p>}
      {found.map(({ name, actions }) => (
        <section key={name} aria-label={name}>
          <h3>
            {name} <span>{actions.length}</span>
          </h3>
          {actions.map((action) => (
            <Entry key={action.type} action={action} add={add} />
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
            title="Some steps as one: to repeat, retry or catch them together"
            onDragStart={(event) => drag(event, BLOCK)}
            onClick={() => add(BLOCK)}
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

function Entry({ action, add }: { action: Action; add: (action: string) => void }) {
  return (
    <button
      type="button"
      className="action"
      draggable
      title={action.description}
      onDragStart={(event) => drag(event, action.type)}
      onClick={() => add(action.type)}
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
