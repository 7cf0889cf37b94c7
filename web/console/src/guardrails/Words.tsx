/** A list of texts, each of which can be taken away: ids, tags, kinds. */

import { type KeyboardEvent, useId, useState } from "react";
import { isObject } from "../api/json";
import type { FieldProblem } from "../forms/problems";
import { inline } from "../forms/words";

interface Props {
  name: string;
  label: string;
  about?: string;
  needed?: boolean;
  value: unknown;
  change: (value: unknown[]) => void;
  /** Values that are likely; any other may be typed. */
  known?: readonly string[] | undefined;
  problems?: readonly FieldProblem[];
}

export function Words(props: Props) {
  const { name, label, about, needed = false, change, known = [], problems = [] } = props;
  const id = useId();
  const words: unknown[] = Array.isArray(props.value) ? props.value : [];
  const wrong = problems.filter((problem) => problem.name === name);
  const add = (texts: readonly string[]) => {
    const fresh = texts.map((text) => text.trim()).filter((text) => text !== "");
    const added = fresh.filter((text, at) => fresh.indexOf(text) === at && !words.includes(text));
    if (added.length > 0) change([...words, ...added]);
  };
  return (
    <div className={wrong.length > 0 ? "param-field wrong" : "param-field"} data-param={name}>
      <div className="param-head">
        <label htmlFor={id}>
          {label}
          {needed && (
            <span className="param-needed" title="needed">
              *<span className="unseen"> needed</span>
            </span>
          )}
        </label>
        <code className="param-name">{name}</code>
      </div>
      {about && (
        <p className="param-about" id={`${id}-about`}>
          {about}
        </p>
      )}
      <div className="guardrail-words">
        {words.map((word, at) => (
          <Word
            // biome-ignore lint/suspicious/noArrayIndexKey: a word may be there twice
            key={at}
            word={wordOf(word)}
            wrong={wrong.some(({ path }) => path === String(at))}
            remove={() => change(words.filter((_, other) => other !== at))}
          />
        ))}
        <Entry
          id={id}
          described={`${id}-about ${id}-wrong`}
          invalid={wrong.length > 0}
          known={known.filter((one) => !words.includes(one))}
          add={add}
          removeLast={() => words.length > 0 && change(words.slice(0, -1))}
        />
      </div>
      <div className="param-problems" id={`${id}-wrong`} aria-live="polite">
        {wrong.map(({ message, path, code }) => (
          <p key={`${path} ${message}`}>
            {path !== undefined && <code>{wordOf(words[Number(path)])}</code>} {message}{" "}
            {code && <code className="code">{code}</code>}
          </p>
        ))}
      </div>
    </div>
  );
}

/** budapp has tags with a name and a colour. */
const wordOf = (word: unknown): string =>
  typeof word === "string"
    ? word
    : isObject(word) && typeof word.name === "string"
      ? word.name
      : inline(word);

function Word({ word, wrong, remove }: { word: string; wrong: boolean; remove: () => void }) {
  return (
    <span className={wrong ? "guardrail-word wrong-word" : "guardrail-word"}>
      <span>{word}</span>
      <button type="button" className="plain" onClick={remove} aria-label={`Take away ${word}`}>
        ×
      </button>
    </span>
  );
}

interface EntryProps {
  id: string;
  described: string;
  invalid: boolean;
  known: readonly string[];
  add: (texts: readonly string[]) => void;
  removeLast: () => void;
}

/** What is typed becomes a word with Enter, with a comma, and when one leaves. */
function Entry({ id, described, invalid, known, add, removeLast }: EntryProps) {
  const [text, setText] = useState("");
  const take = () => {
    add([text]);
    setText("");
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === "Backspace" && text === "") removeLast();
    if (event.key !== "Enter" || text.trim() === "") return;
    event.preventDefault();
    take();
  };
  const type = (next: string) => {
    const parts = next.split(/[,\n]/);
    const rest = parts.pop() ?? "";
    if (parts.length > 0) add(parts);
    setText(rest);
  };
  return (
    <>
      <input
        id={id}
        aria-describedby={described}
        aria-invalid={invalid || undefined}
        autoComplete="off"
        spellCheck={false}
        list={known.length > 0 ? `${id}-known` : undefined}
        placeholder="Type, then Enter"
        value={text}
        onChange={(event) => type(event.target.value)}
        onKeyDown={press}
        onBlur={take}
      />
      {known.length > 0 && (
        <datalist id={`${id}-known`}>
          {known.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </>
  );
}
