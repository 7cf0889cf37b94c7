/** A definition while it is edited: what is there, what was there, and what the server has of it. */

import { useSyncExternalStore } from "react";
import type { Problem } from "../api/client";
import { isObject, type Members } from "../api/json";
import { isFault } from "../api/jsonText";
import { canonical } from "../definition/document";
import { type Language, readJson } from "../definition/text";
import { moment } from "../time";
import {
  begin,
  commit,
  type DocumentText,
  type History,
  redo,
  undo,
  type Version,
} from "./model/history";
import type { Published, StoredDraft } from "./server";

export type Saving = "idle" | "saving" | "failed";

export interface State {
  history: History;
  published: Published;
  /** The version of the pipeline that what is edited builds on. */
  basedOn: number;
  /** The draft that the server has acknowledged last, as `keyOf`; null if it has none. */
  draft: { key: string; at: number } | null;
  /** What `If-Match` of a change of the draft names. */
  draftTag: string | null;
  /** What somebody else has published meanwhile; null if nobody has. */
  theirs: Published | null;
  /** What was kept as a draft in another tab meanwhile; null if nothing was. */
  elsewhere: StoredDraft | null;
  saving: Saving;
  error: Problem | null;
  /** Whether the session has ended: nothing is sent until somebody has signed in again. */
  isSignedOut: boolean;
}

/** One text for what is there: two versions with the same are the same. */
export const keyOf = ({ document, written }: Version): string =>
  written?.error ? `text:${written.text}` : canonical(document);

export const isPublished = ({ history, published }: State): boolean =>
  keyOf(history.present) === canonical(published.document);

/** Whether the server has what is there: as its revision, or as a draft. */
export const isSaved = (state: State): boolean =>
  isPublished(state) || state.draft?.key === keyOf(state.history.present);

export class Editing {
  private state: State;
  private readonly listeners = new Set<() => void>();

  constructor(published: Published, draft: StoredDraft = NO_DRAFT) {
    const { history, savedAt } = opened(published, draft);
    const basedOn = draft.based_on ?? published.lockVersion;
    this.state = {
      history,
      published,
      basedOn,
      draft: savedAt === null ? null : { key: keyOf(history.present), at: savedAt },
      draftTag: draft.etag,
      theirs: basedOn === published.lockVersion ? null : published,
      elsewhere: null,
      saving: "idle",
      error: null,
      isSignedOut: false,
    };
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly now = (): State => this.state;

  get document(): Members {
    return this.state.history.present.document;
  }

  /** Another definition. Changes with the same *key* shortly after each other are undone as one. */
  change(next: Members, key: string | null = null): void {
    this.moved(commit(this.state.history, { document: next, written: null }, key, Date.now()));
  }

  /** Another text: what it says is the definition, if it says one. */
  type(text: string, language: Language, read: ReturnType<typeof readJson>): void {
    const error = isFault(read) ? read : null;
    const document = isFault(read) ? this.document : keptIfSame(this.document, read.document);
    const written: DocumentText = { language, text, error };
    this.moved(commit(this.state.history, { document, written }, "text", Date.now()));
  }

  undo(): void {
    this.moved(undo(this.state.history));
  }

  redo(): void {
    this.moved(redo(this.state.history));
  }

  set(changes: Partial<State>): void {
    this.state = { ...this.state, ...changes };
    for (const listener of this.listeners) listener();
  }

  private moved(history: History): void {
    if (history !== this.state.history) this.set({ history });
  }
}

/** Unchanged parts of a text that was read anew are the objects that they were: nothing is drawn. */
function keptIfSame(before: Members, after: Members): Members {
  if (canonical(before) === canonical(after)) return sameOrder(before, after) ? before : after;
  return after;
}

const sameOrder = (before: Members, after: Members): boolean =>
  JSON.stringify(Object.keys(before)) === JSON.stringify(Object.keys(after));

const NO_DRAFT: StoredDraft = { based_on: null, document: null, saved_at: null, etag: null };

/** The published definition, and behind it what was typed: so it can be undone. */
function opened(published: Published, draft: StoredDraft) {
  const history = begin(published.document);
  const kept = versionOf(draft.document, published.document);
  return {
    history: kept ? commit(history, kept, null, 0) : history,
    savedAt: kept && draft.saved_at ? moment(draft.saved_at) : null,
  };
}

/** What was kept as a draft: a definition, or a text that is none yet. */
export function versionOf(draft: unknown, known: Members): Version | null {
  if (typeof draft === "string") {
    const read = readJson(draft);
    if (!isFault(read)) return { document: read.document, written: null };
    const language: Language = /^\s*[{[]/.test(draft) ? "json" : "yaml";
    return { document: known, written: { language, text: draft, error: read } };
  }
  return isObject(draft) ? { document: draft, written: null } : null;
}

export const useEditing = (editing: Editing): State =>
  useSyncExternalStore(editing.subscribe, editing.now);
