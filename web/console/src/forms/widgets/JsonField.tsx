import { useRef, useState } from "react";
import { print } from "../../api/json";
import { hasDefault } from "../param";
import { readJson, shownText } from "../text";
import { inline, kindOfNothing } from "../words";
import type { WidgetProps } from "./props";
import { TextArea } from "./TextArea";

/** Any JSON as a text. What cannot be read yet stays as it is, with the place of the fault. */
export function JsonField(props: WidgetProps) {
  const { param, value, change, draft, keep, completions, marks } = props;
  const [typed, setTyped] = useState<string | null>(null);
  const field = useRef<HTMLTextAreaElement>(null);
  const type = (text: string) => {
    setTyped(text);
    const reading = readJson(text);
    if ("fault" in reading) keep(text, reading.fault);
    else change(reading.value);
  };
  const text = draft?.text ?? shownText(typed, value, readJson);
  const tidy = value === undefined ? "" : print(value);
  return (
    <div>
      <TextArea
        text={text}
        change={type}
        completions={completions}
        marks={marks}
        placeholder={param.placeholder ?? placeholderOf(param.shape, param.default)}
        rows={3}
        code
        field={field}
      />
      <div className="json-acts">
        {draft?.line !== undefined && (
          <button type="button" onClick={() => goTo(field.current, draft.line, draft.column)}>
            Go to line {draft.line}, column {draft.column}
          </button>
        )}
        {text === "" && hasDefault(param) && kindOfNothing(param.default) === null && (
          <button type="button" onClick={() => change(param.default)}>
            Edit the default
          </button>
        )}
        {!draft && text !== tidy && text !== "" && (
          <button type="button" onClick={() => setTyped(null)}>
            Tidy up
          </button>
        )}
      </div>
    </div>
  );
}

const placeholderOf = (shape: "array" | "object" | null | undefined, given: unknown) => {
  if (given !== undefined && given !== null) return inline(given);
  return shape === "array" ? "[ ]" : shape === "object" ? "{ }" : undefined;
};

function goTo(field: HTMLTextAreaElement | null, line = 1, column = 1): void {
  if (!field) return;
  const lines = field.value.split("\n").slice(0, line - 1);
  const at = lines.reduce((sum, one) => sum + one.length + 1, 0) + column - 1;
  field.focus();
  field.setSelectionRange(at, Math.min(at + 1, field.value.length));
}
