/** CodeMirror, in a shadow root: there its styles are allowed by the page's strict policy. */

import { defaultKeymap, indentWithTab } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { yaml } from "@codemirror/lang-yaml";
import {
  bracketMatching,
  codeFolding,
  foldGutter,
  foldKeymap,
  HighlightStyle,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from "@codemirror/language";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import type { TextFault } from "../../api/jsonText";
import type { Language } from "../../definition/text";

interface Props {
  text: string;
  language: Language;
  label: string;
  error: TextFault | null;
  change: (text: string) => void;
  /** Where the cursor is wanted: another object leads there anew. */
  goal: { offset: number } | null;
}

export function CodeField({ text, language, label, change, goal }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const told = useRef(change);
  const shown = useRef(text);
  told.current = change;
  shown.current = text;
  useEffect(() => {
    const { current } = host;
    if (!current) return undefined;
    const root = current.shadowRoot ?? current.attachShadow({ mode: "open" });
    const made = new EditorView({
      state: EditorState.create({
        doc: shown.current,
        extensions: extensions(language, label, (next) => told.current(next)),
      }),
      parent: root,
      root,
    });
    view.current = made;
    return () => made.destroy();
  }, [language, label]);
  useEffect(() => {
    const { current } = view;
    if (current && current.state.doc.toString() !== text) replace(current, text);
  }, [text]);
  useEffect(() => {
    const { current } = view;
    if (!current || !goal) return;
    const anchor = Math.min(goal.offset, current.state.doc.length);
    current.dispatch({
      selection: { anchor },
      effects: EditorView.scrollIntoView(anchor, { y: "center" }),
    });
    current.focus();
  }, [goal]);
  return <div className="code-field" data-code ref={host} />;
}

/** Only what differs is replaced, so that cursor and scroll stay where they are. */
function replace(view: EditorView, text: string): void {
  const before = view.state.doc.toString();
  let from = 0;
  while (from < before.length && from < text.length && before[from] === text[from]) from += 1;
  let tail = 0;
  const most = Math.min(before.length, text.length) - from;
  while (tail < most && before.at(-1 - tail) === text.at(-1 - tail)) tail += 1;
  const changes = { from, to: before.length - tail, insert: text.slice(from, text.length - tail) };
  view.dispatch({ changes, annotations: [] });
}

function extensions(language: Language, label: string, tell: (text: string) => void): Extension {
  return [
    lineNumbers(),
    highlightActiveLineGutter(),
    highlightActiveLine(),
    drawSelection(),
    codeFolding(),
    foldGutter(),
    indentOnInput(),
    indentUnit.of("  "),
    bracketMatching(),
    highlightSelectionMatches(),
    search({ top: true }),
    language === "json" ? json() : yaml(),
    syntaxHighlighting(COLOURS),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) tell(update.state.doc.toString());
    }),
    // Undo is the editor's, for text and canvas alike. Escape, then Tab leaves the field.
    keymap.of([...defaultKeymap, ...searchKeymap, ...foldKeymap, indentWithTab]),
    LOOK,
  ];
}

const COLOURS = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--running)" },
  { tag: tags.string, color: "var(--done)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--parked)" },
  { tag: tags.comment, color: "var(--muted)", fontStyle: "italic" },
]);

const LOOK = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--ground)", color: "var(--text)" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", fontSize: "12.5px", lineHeight: "1.6" },
  ".cm-gutters": {
    backgroundColor: "var(--ground)",
    color: "var(--muted)",
    borderRight: "1px solid var(--line)",
  },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--sunken)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    { backgroundColor: "var(--accent-soft)" },
  ".cm-selectionMatch": { backgroundColor: "var(--accent-soft)" },
  ".cm-matchingBracket": { outline: "1px solid var(--accent)" },
  ".cm-panels": {
    backgroundColor: "var(--panel)",
    color: "var(--text)",
    borderBottom: "1px solid var(--line)",
  },
  ".cm-textfield, .cm-button": {
    background: "var(--raised)",
    color: "var(--text)",
    border: "1px solid var(--line-strong)",
    borderRadius: "6px",
    backgroundImage: "none",
  },
  ".cm-foldPlaceholder": { background: "var(--sunken)", color: "var(--muted)", border: "0" },
});
