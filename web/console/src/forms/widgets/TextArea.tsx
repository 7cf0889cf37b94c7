/** A text that grows with its lines; where templates count, names are completed in it. */

import { type KeyboardEvent, type RefObject, useEffect, useRef, useState } from "react";
import { type Completion, completed, matching, type Place, placeAt } from "../templates";
import type { Marks } from "./props";

const MOST_ROWS = 16;

interface Props {
  text: string;
  change: (text: string) => void;
  completions: readonly Completion[] | null;
  marks: Marks;
  placeholder?: string | undefined;
  code?: boolean;
  rows?: number;
  field?: RefObject<HTMLTextAreaElement | null>;
}

export function TextArea(props: Props) {
  const { text, change, completions, marks, placeholder, code = false, rows = 1 } = props;
  const own = useRef<HTMLTextAreaElement>(null);
  const field = props.field ?? own;
  const { open, list, chosen, look, take, press, close } = useCompletion(text, props, field);
  const popup = `${marks.id}-names`;
  const combobox = completions && {
    role: "combobox",
    "aria-autocomplete": "list" as const,
    "aria-expanded": open,
    "aria-controls": popup,
    "aria-activedescendant": open ? `${popup}-${chosen}` : undefined,
  };
  return (
    <div className="param-text-area">
      <textarea
        ref={field}
        {...marks}
        {...combobox}
        className={code || (completions && text.includes("{{")) ? "code" : undefined}
        rows={Math.min(MOST_ROWS, Math.max(rows, text.split("\n").length))}
        spellCheck={false}
        autoComplete="off"
        placeholder={placeholder}
        value={text}
        onChange={(event) => {
          change(event.target.value);
          look(event.target);
        }}
        onSelect={(event) => open && look(event.currentTarget)}
        onKeyDown={press}
        onBlur={close}
      />
      {open && (
        <div className="completions" role="listbox" id={popup} aria-label="Names">
          {list.map(({ name, detail }, at) => (
            // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the text
            // biome-ignore lint/a11y/useKeyWithClickEvents: keys are taken by the text
            <div
              key={name}
              id={`${popup}-${at}`}
              role="option"
              aria-selected={at === chosen}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => take(at)}
            >
              <code>{name}</code>
              {detail && <span>{detail}</span>}
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

function useCompletion(
  text: string,
  { change, completions }: Props,
  field: RefObject<HTMLTextAreaElement | null>,
) {
  const [place, setPlace] = useState<Place | null>(null);
  const [chosen, setChosen] = useState(0);
  const [cursor, setCursor] = useState<number | null>(null);
  useEffect(() => {
    if (cursor === null) return;
    field.current?.setSelectionRange(cursor, cursor);
    setCursor(null);
  }, [cursor, field]);
  const list = place && completions ? matching(completions, place.written) : [];
  const open = list.length > 0;
  const close = () => setPlace(null);
  const look = ({ value, selectionStart, selectionEnd }: HTMLTextAreaElement) => {
    setPlace(selectionStart === selectionEnd ? placeAt(value, selectionStart) : null);
    setChosen(0);
  };
  const take = (at: number) => {
    const completion = list[at];
    if (!place || !completion) return;
    const [next, end] = completed(text, place, completion.name);
    change(next);
    setCursor(end);
    close();
  };
  const press = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === " " && event.ctrlKey && completions) {
      event.preventDefault();
      const { selectionStart: at } = event.currentTarget;
      setPlace(placeAt(text, at) ?? { from: at, to: at, written: "", inside: false });
      setChosen(0);
      return;
    }
    if (!open) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setChosen((chosen + step + list.length) % list.length);
    else if (event.key === "Enter" || event.key === "Tab") take(chosen);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return { open, list, chosen, look, take, press, close };
}
