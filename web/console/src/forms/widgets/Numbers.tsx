import { useState } from "react";
import { isNumber } from "../param";
import { readNumber, shownText } from "../text";
import { inline } from "../words";
import { groupMarks, type WidgetProps } from "./props";

/** A number with all its digits: no arrows that step over it, no browser that rounds it. */
export function NumberField({ param, value, change, draft, keep, marks }: WidgetProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const type = (text: string) => {
    setTyped(text);
    const reading = readNumber(text);
    if ("fault" in reading) keep(text, reading.fault);
    else change(reading.value);
  };
  const given = param.default;
  return (
    <input
      {...marks}
      className="number"
      inputMode={param.whole ? "numeric" : "decimal"}
      autoComplete="off"
      placeholder={param.placeholder ?? (given == null ? undefined : inline(given))}
      value={draft?.text ?? shownText(typed, value ?? undefined, readNumber)}
      onChange={(event) => type(event.target.value)}
    />
  );
}

/** Two numbers, from and to. One alone is not finished. */
export function Range({ param, value, change, draft, keep, marks }: WidgetProps) {
  const [typed, setTyped] = useState<[string, string] | null>(null);
  const texts = draft ? (typed ?? ["", ""]) : ends(value, typed);
  const given = Array.isArray(param.default) ? param.default : [];
  const type = (at: 0 | 1, text: string) => {
    const next: [string, string] = at === 0 ? [text, texts[1]] : [texts[0], text];
    setTyped(next);
    const [from, to] = next.map(readNumber);
    const fault = [from, to].find((one) => one && "fault" in one);
    if (fault && "fault" in fault) return keep(next.join(" to "), fault.fault);
    const both = [from, to].map((one) => (one && "value" in one ? one.value : undefined));
    if (both.every((one) => one === undefined)) return change(undefined);
    if (both.every(isNumber)) return change(both);
    return keep(next.join(" to "), { message: "Both ends are needed." });
  };
  const end = (at: 0 | 1, label: string) => (
    <input
      aria-label={label}
      aria-invalid={marks["aria-invalid"]}
      id={at === 0 ? marks.id : undefined}
      className="number"
      inputMode="decimal"
      autoComplete="off"
      placeholder={given[at] == null ? undefined : inline(given[at])}
      value={texts[at]}
      onChange={(event) => type(at, event.target.value)}
    />
  );
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would draw a frame of its own
    <div className="range" role="group" {...groupMarks(marks)}>
      {end(0, "from")}
      <span aria-hidden="true">to</span>
      {end(1, "to")}
    </div>
  );
}

function ends(value: unknown, typed: [string, string] | null): [string, string] {
  const list = Array.isArray(value) ? value : [];
  return [
    shownText(typed?.[0] ?? null, list[0], readNumber),
    shownText(typed?.[1] ?? null, list[1], readNumber),
  ];
}
