/** One of a few, each with what it means; the figures of a cluster have room here. */

import { type ReactNode, useId } from "react";
import type { FieldProblem } from "../forms/problems";

export interface Card<Value> {
  value: Value;
  word: string;
  about?: ReactNode;
}

export function Cards<Value>({
  name,
  label,
  cards,
  chosen,
  choose,
  problems = [],
}: {
  name: string;
  label: string;
  cards: readonly Card<Value>[];
  chosen: unknown;
  choose: (value: Value) => void;
  problems?: readonly FieldProblem[];
}) {
  const id = useId();
  const wrong = problems.filter((problem) => problem.name === name);
  return (
    <fieldset className="cards" aria-describedby={`${id}-wrong`} data-param={name}>
      <legend>
        {label} <code className="param-name">{name}</code>
      </legend>
      {cards.map(({ value, word, about }) => (
        <label key={String(value)} className="guardrail-card">
          <input
            type="radio"
            name={id}
            checked={chosen === value}
            aria-invalid={wrong.length > 0 || undefined}
            onChange={() => choose(value)}
          />
          <span className="guardrail-card-word">{word}</span>
          {about && <span className="guardrail-card-about">{about}</span>}
        </label>
      ))}
      <div className="param-problems" id={`${id}-wrong`} aria-live="polite">
        {wrong.map(({ message, code }) => (
          <p key={message}>
            {message} {code && <code className="code">{code}</code>}
          </p>
        ))}
      </div>
    </fieldset>
  );
}
