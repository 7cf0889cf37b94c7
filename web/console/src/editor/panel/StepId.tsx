/** The id of a step. Another one is taken over when one is done typing: everything follows it. */

import { type FormEvent, useEffect, useId, useState } from "react";
import { go, withQuery } from "../../router";
import { useEditor } from "../context";
import { renameStep, whyNotCalled } from "../model/changes";
import type { Placed } from "../model/steps";

export function StepId({ placed }: { placed: Placed }) {
  const { editing } = useEditor();
  const [text, setText] = useState(placed.id);
  const field = useId();
  useEffect(() => setText(placed.id), [placed.id]);
  const why = whyNotCalled(editing.document, placed.id, text);
  const rename = (event?: FormEvent) => {
    event?.preventDefault();
    if (text === placed.id || why) return;
    editing.change(renameStep(editing.document, placed.id, text));
    go(withQuery({ step: text }), { replace: true });
  };
  return (
    <form className="param-field" onSubmit={rename} data-param="id">
      <div className="param-head">
        <label htmlFor={field}>Id</label>
      </div>
      <input
        id={field}
        className="mono"
        value={text}
        spellCheck={false}
        autoComplete="off"
        aria-invalid={why !== null || undefined}
        aria-describedby={`${field}-why`}
        onChange={(event) => setText(event.target.value)}
        onBlur={() => rename()}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || text === placed.id) return;
          event.stopPropagation();
          setText(placed.id);
        }}
      />
      <div className="param-problems" id={`${field}-why`} aria-live="polite">
        {why && <p>{why}</p>}
      </div>
    </form>
  );
}
