/** One stack of what was done, for canvas, forms and text alike. */

import type { Members } from "../../api/json";
import type { TextFault } from "../../api/jsonText";
import type { Language } from "../../definition/text";

/** A text as somebody types it: it may be none of a definition at the moment. */
export interface DocumentText {
  language: Language;
  text: string;
  error: TextFault | null;
}

export interface Version {
  /** What the last text that could be read says. */
  document: Members;
  /** The text itself, while nothing but text has changed. */
  written: DocumentText | null;
}

export interface History {
  past: Version[];
  present: Version;
  future: Version[];
  /** What the last change was about, and when: typing on is the same change. */
  last: { key: string; at: number } | null;
}

const MOST = 500;
/** Milliseconds between two keys of one change. */
const PAUSE = 1_200;

export const begin = (document: Members, written: DocumentText | null = null): History => ({
  past: [],
  present: { document, written },
  future: [],
  last: null,
});

/** With *next* as what is there now. Changes with one *key* shortly after each other are one. */
export function commit(history: History, next: Version, key: string | null, now: number): History {
  const { past, present, last } = history;
  if (next.document === present.document && next.written?.text === present.written?.text) {
    return history;
  }
  const goesOn = key !== null && last?.key === key && now - last.at < PAUSE && past.length > 0;
  return {
    past: goesOn ? past : [...past, present].slice(-MOST),
    present: next,
    future: [],
    last: key === null ? null : { key, at: now },
  };
}

export function undo(history: History): History {
  const { past, present, future } = history;
  const before = past.at(-1);
  if (!before) return history;
  return { past: past.slice(0, -1), present: before, future: [present, ...future], last: null };
}

export function redo(history: History): History {
  const { past, present, future } = history;
  const [after, ...rest] = future;
  if (!after) return history;
  return { past: [...past, present], present: after, future: rest, last: null };
}
