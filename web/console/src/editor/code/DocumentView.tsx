/** The definition as a text: another view of the same thing, with the same undo. */

import { useMemo, useState } from "react";
import { isFault } from "../../api/jsonText";
import { pathOf, pointerTo } from "../../api/pointer";
import { type Language, printJson, readJson } from "../../definition/text";
import { printYaml, readYaml } from "../../definition/yaml";
import { type EditorContext, useEditor } from "../context";
import { CodeField } from "./CodeField";

const WORDS: [Language, string][] = [
  ["json", "JSON"],
  ["yaml", "YAML"],
];

export default function DocumentView() {
  const { editing, state, goal } = useEditor();
  const { document, written } = state.history.present;
  const [chosen, setChosen] = useState<Language>(written?.language ?? "json");
  const language = written?.error ? written.language : chosen;
  const text = useMemo(() => {
    if (written?.language === language) return written.text;
    return language === "json" ? printJson(document) : printYaml(document);
  }, [document, written, language]);
  const error = written?.error ?? null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: one is led there once, not as one types
  const offset = useMemo(() => placeOf(goal, text, language), [goal]);
  const read = language === "json" ? readJson : readYaml;
  return (
    <section className="document" aria-label="Document">
      <div className="document-head">
        <fieldset className="seg" aria-label="Language">
          {WORDS.map(([value, word]) => (
            <button
              key={value}
              type="button"
              aria-pressed={language === value}
              disabled={error !== null && language !== value}
              onClick={() => setChosen(value)}
            >
              {word}
            </button>
          ))}
        </fieldset>
        <span role="status" className={error ? "failure" : "muted"}>
          {error
            ? `Line ${error.line}, column ${error.column}: ${error.message}.`
            : language === "yaml"
              ? "What is stored is JSON: comments and anchors are not kept."
              : "The same as on the canvas, with all that it does not show."}
        </span>
      </div>
      <CodeField
        text={text}
        language={language}
        label={`The definition as ${language.toUpperCase()}`}
        error={error}
        change={(next) => {
          if (next !== text) editing.type(next, language, read(next));
        }}
        goal={offset}
      />
    </section>
  );
}

/** Where a place of the definition, or what is nearest around it, begins in the text. */
function placeOf(goal: EditorContext["goal"], text: string, language: Language) {
  const read = language === "json" ? readJson(text) : readYaml(text);
  if (!goal || isFault(read)) return null;
  for (let path = pathOf(goal.pointer); ; path = path.slice(0, -1)) {
    const offset = read.places.get(pointerTo(path));
    if (offset !== undefined) return { offset };
    if (path.length === 0) return null;
  }
}
