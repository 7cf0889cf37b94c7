/** Goes to whatever one can name: a combobox of pages, pipelines, executions and actions. */

import { type KeyboardEvent, type MouseEvent, useEffect, useId, useRef, useState } from "react";
import { PageIcon } from "../parts/PageIcon";
import { Mark } from "../parts/State";
import { go } from "../router";
import { type Entry, type Group, moved } from "./entries";
import { useFound } from "./useFound";
import "./palette.css";

export default function CommandPalette({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const { groups, isAsking } = useFound(text);
  const entries = groups.flatMap((group) => group.entries);
  const chosen = entries[Math.min(at, entries.length - 1)];
  const id = useId();
  useEffect(() => dialog.current?.showModal(), []);
  const follow = (entry: Entry | undefined) => {
    if (!entry) return;
    dialog.current?.close();
    go(entry.href);
  };
  const press = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by) setAt(moved(Math.min(at, entries.length - 1), by, entries.length));
    else if (event.key === "Enter" && !event.nativeEvent.isComposing) follow(chosen);
    else return;
    event.preventDefault();
  };
  // A press beside the box is one on the dialog itself.
  const leave = (event: MouseEvent) => event.target === dialog.current && dialog.current?.close();
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a dialog by itself
    <dialog
      ref={dialog}
      className="command-palette"
      aria-label="Go to"
      onClose={close}
      onClick={leave}
    >
      <div className="palette-box">
        <input
          type="text"
          role="combobox"
          aria-label="Page, pipeline, execution or action"
          aria-expanded={entries.length > 0}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={chosen && `${id}-${entries.indexOf(chosen)}`}
          placeholder="Page, pipeline, execution or action"
          autoComplete="off"
          spellCheck={false}
          value={text}
          onKeyDown={press}
          onChange={(event) => {
            setText(event.target.value);
            setAt(0);
          }}
        />
        <Found {...{ id, groups, entries, chosen, follow }} />
        <p className="palette-said" role="status">
          {entries.length > 0
            ? `${entries.length} found`
            : isAsking
              ? "Looking…"
              : "Nothing is called so. An execution is found by the start of its id, too."}
        </p>
      </div>
    </dialog>
  );
}

function Found({
  id,
  groups,
  entries,
  chosen,
  follow,
}: {
  id: string;
  groups: Group[];
  entries: Entry[];
  chosen: Entry | undefined;
  follow: (entry: Entry) => void;
}) {
  return (
    <div role="listbox" id={`${id}-list`} aria-label="Where to go" className="palette-list">
      {groups.map(({ name, entries: its }) => (
        // biome-ignore lint/a11y/useSemanticElements: a fieldset is no part of a list to choose from
        <div role="group" key={name} aria-label={name}>
          <span className="palette-group" aria-hidden="true">
            {name}
          </span>
          {its.map((entry) => (
            <Option
              key={entry.href}
              id={`${id}-${entries.indexOf(entry)}`}
              entry={entry}
              isChosen={entry === chosen}
              follow={() => follow(entry)}
            />
          ))}
        </div>
      ))}
    </div>
  );
}

function Option({
  id,
  entry,
  isChosen,
  follow,
}: {
  id: string;
  entry: Entry;
  isChosen: boolean;
  follow: () => void;
}) {
  const option = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isChosen) option.current?.scrollIntoView({ block: "nearest" });
  }, [isChosen]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the combobox has the focus, and the keys
    // biome-ignore lint/a11y/useFocusableInteractive: the combobox names it as the active one
    <div
      ref={option}
      role="option"
      id={id}
      aria-selected={isChosen}
      className="palette-option"
      onClick={follow}
    >
      {entry.state ? (
        <Mark state={entry.state} />
      ) : (
        <span className="palette-icon">{entry.icon && <PageIcon name={entry.icon} />}</span>
      )}
      <span className="palette-word">{entry.word}</span>
      <span className="palette-more">{entry.more}</span>
    </div>
  );
}
