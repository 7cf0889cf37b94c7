import { useState } from "react";
import { inline } from "../words";
import type { WidgetProps } from "./props";
import { TextArea } from "./TextArea";

/** A text: of one line until somebody writes more. */
export function Text({ param, value, change, completions, marks }: WidgetProps) {
  return (
    <TextArea
      text={typeof value === "string" ? value : ""}
      change={change}
      completions={completions}
      marks={marks}
      placeholder={param.placeholder ?? defaultWords(param.default)}
      rows={param.type === "template" ? 2 : 1}
    />
  );
}

/** The same where another input would be: what it gives is known only when the step runs. */
export function Template({ value, change, completions, marks }: WidgetProps) {
  return (
    <TextArea
      text={typeof value === "string" ? value : ""}
      change={change}
      completions={completions ?? []}
      marks={marks}
      placeholder="{{ … }}"
      code
    />
  );
}

/** What nobody should see over a shoulder. The browser is told not to keep it. */
export function Secret({ value, change, marks }: WidgetProps) {
  const [shown, setShown] = useState(false);
  return (
    <div className="with-button">
      <input
        {...marks}
        type={shown ? "text" : "password"}
        autoComplete="new-password"
        spellCheck={false}
        value={typeof value === "string" ? value : ""}
        onChange={(event) => change(event.target.value)}
      />
      <button type="button" aria-pressed={shown} onClick={() => setShown(!shown)}>
        Show
      </button>
    </div>
  );
}

/** The id of something elsewhere: one of those that are known, or another one. */
export function Reference({ param, value, change, completions, choices, marks }: WidgetProps) {
  const text = typeof value === "string" ? value : "";
  if (!choices) {
    return (
      <TextArea
        text={text}
        change={change}
        completions={completions}
        marks={marks}
        placeholder={param.placeholder ?? defaultWords(param.default) ?? wordsOf(param.type)}
      />
    );
  }
  const list = `${marks.id}-known`;
  return (
    <>
      <input
        {...marks}
        list={list}
        autoComplete="off"
        spellCheck={false}
        placeholder={param.placeholder ?? defaultWords(param.default)}
        value={text}
        onChange={(event) => change(event.target.value)}
      />
      <datalist id={list}>
        {choices.map((choice) => (
          <option key={String(choice.value)} value={String(choice.value)}>
            {choice.label}
          </option>
        ))}
      </datalist>
    </>
  );
}

const wordsOf = (type: string): string | undefined =>
  type.endsWith("_ref") ? `id of a ${type.slice(0, -4).replaceAll("_", " ")}` : undefined;

const defaultWords = (given: unknown): string | undefined => {
  if (given === undefined || given === null || given === "") return undefined;
  return typeof given === "string" ? given : inline(given);
};
