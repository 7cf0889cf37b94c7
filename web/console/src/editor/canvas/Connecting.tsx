/** Connects a step by keys: one types, or goes through what a line can lead to; Enter draws it. */

import { type FocusEvent, type KeyboardEvent, useEffect, useId, useMemo, useState } from "react";
import { announce } from "../../parts/announce";
import type { Placed } from "../model/steps";
import { focusStep } from "./focus";
import { named, type Target, targetsOf } from "./targets";

interface Props {
  steps: Placed[];
  from: Placed;
  /** The one that Enter would take is shown on the canvas. */
  aim: (key: string | null) => void;
  connect: (from: Placed, to: Target) => void;
  close: () => void;
}

export function Connecting({ steps, from, aim, connect, close }: Props) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const id = useId();
  const all = useMemo(() => targetsOf(steps, from.key), [steps, from.key]);
  const targets = named(all, text);
  const chosen = targets[Math.min(at, targets.length - 1)];
  const aimed = chosen && !chosen.why ? chosen.key : null;
  useEffect(() => aim(aimed), [aim, aimed]);
  const leave = () => {
    close();
    focusStep(from.key);
  };
  const take = (target: Target | undefined) => {
    if (!target) return;
    if (target.why) {
      announce(target.why, { failed: true });
      return;
    }
    connect(from, target);
    announce(`${target.id} waits for ${from.id}.`);
    leave();
  };
  const press = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) setAt((Math.min(at, targets.length - 1) + by + targets.length) % targets.length || 0);
    else if (event.key === "Escape") leave();
    else if (event.key === "Enter" && !event.nativeEvent.isComposing) take(chosen);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const gone = ({ currentTarget, relatedTarget }: FocusEvent<HTMLElement>) => {
    if (!currentTarget.contains(relatedTarget)) close();
  };
  return (
    <section className="connecting" aria-label="Connect" onBlur={gone}>
      <label htmlFor={`${id}-to`}>A line from {from.id} to</label>
      <input
        id={`${id}-to`}
        type="text"
        role="combobox"
        aria-expanded={targets.length > 0}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={chosen && `${id}-${targets.indexOf(chosen)}`}
        autoComplete="off"
        spellCheck={false}
        // biome-ignore lint/a11y/noAutofocus: the key that opens this is about to choose
        autoFocus
        data-own-undo
        value={text}
        onKeyDown={press}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
      />
      <div role="listbox" id={`${id}-list`} aria-label="Steps">
        {targets.map((target, index) => (
          <Option
            key={target.key}
            id={`${id}-${index}`}
            target={target}
            isChosen={target === chosen}
            take={() => take(target)}
          />
        ))}
      </div>
      {targets.length === 0 && <p className="muted">No step is called so.</p>}
      <p className="muted">Enter connects, Escape leaves.</p>
    </section>
  );
}

function Option({
  id,
  target: { id: step, name, why },
  isChosen,
  take,
}: {
  id: string;
  target: Target;
  isChosen: boolean;
  take: () => void;
}) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the combobox has the focus, and the keys
    // biome-ignore lint/a11y/useFocusableInteractive: the combobox names it as the active one
    <div
      role="option"
      id={id}
      aria-selected={isChosen}
      aria-disabled={why !== null}
      ref={(node) => {
        if (isChosen) node?.scrollIntoView({ block: "nearest" });
      }}
      onMouseDown={(event) => event.preventDefault()}
      onClick={take}
    >
      <span className="name">{name}</span>
      <span className="muted">{why ?? (name === step ? "" : step)}</span>
    </div>
  );
}
