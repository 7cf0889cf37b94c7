/** Where one is, whether it is saved, and what one can do with the whole. */

import { useEffect } from "react";
import { PIPELINES, pipelineAt } from "../addresses";
import { announce } from "../parts/announce";
import { Trail } from "../parts/Trail";
import { useNow } from "../parts/useNow";
import { Link, withQuery } from "../router";
import { ago } from "../time";
import { useEditor } from "./context";
import { isPublished, isSaved, type State } from "./editing";
import type { Problem } from "./model/issues";
import type { Publishing } from "./usePublish";

export type View = "canvas" | "list" | "document";
/** How the definition can be shown. */
export const VIEWS: Record<View, string> = { canvas: "Canvas", list: "List", document: "Document" };

interface Props {
  id: string;
  view: View;
  publishing: Publishing;
  layOut: () => void;
  openTry: () => void;
  problems: readonly Problem[];
}

export function Head({ id, view, publishing, layOut, openTry }: Props) {
  const { editing, state } = useEditor();
  const { past, future, present } = state.history;
  const { name: typed } = present.document;
  const name = typeof typed === "string" && typed ? typed : state.published.name;
  const [undoes, redoes] = [past.length > 0, future.length > 0];
  useTitle(name, isSaved(state));
  return (
    <header className="edit-head">
      <Trail
        ways={[
          ["Pipelines", PIPELINES],
          [state.published.name, pipelineAt(id)],
        ]}
      >
        <span>edit</span>
      </Trail>
      <div className="edit-title">
        <h1 title={name}>{name}</h1>
        <Standing state={state} />
        <nav className="seg" aria-label="How it is shown">
          <Turn to="canvas" from={view} />
          <Turn to="list" from={view} />
          <Link
            href={withQuery({ view: "document" })}
            aria-current={view === "document" ? "true" : undefined}
          >
            Document
          </Link>
        </nav>
        <div className="edit-tools">
          <button type="button" disabled={!undoes} onClick={() => editing.undo()}>
            Undo <kbd>Ctrl Z</kbd>
          </button>
          <button type="button" disabled={!redoes} onClick={() => editing.redo()}>
            Redo
          </button>
          {view === "canvas" && (
            <button type="button" onClick={layOut} title="Puts the steps in order (l)">
              Lay out
            </button>
          )}
          <button type="button" onClick={openTry} title="Evaluates a template in an execution">
            Try
          </button>
          <Publish publishing={publishing} />
        </div>
      </div>
      {publishing.refused && (
        <p className="failure" role="alert">
          Not published: {publishing.refused.message} <code>{publishing.refused.code}</code>
        </p>
      )}
    </header>
  );
}

/** A text that cannot be read holds one back, and says where. */
function Turn({ to, from }: { to: "canvas" | "list"; from: View }) {
  const { state } = useEditor();
  const error = state.history.present.written?.error;
  const word = VIEWS[to];
  if (!error) {
    const view = to === "canvas" ? null : to;
    return (
      <Link href={withQuery({ view })} aria-current={from === to ? "true" : undefined}>
        {word}
      </Link>
    );
  }
  const why = `Line ${error.line}, column ${error.column}: ${error.message}`;
  return (
    <button
      type="button"
      title={why}
      onClick={() =>
        announce(`The ${word.toLowerCase()} needs a text that can be read. ${why}.`, {
          failed: true,
        })
      }
    >
      {word}
    </button>
  );
}

function Publish({ publishing }: { publishing: Publishing }) {
  const { isBusy, whyNot, publish } = publishing;
  const press = () => {
    if (whyNot) announce(whyNot, { failed: true });
    else void publish();
  };
  return (
    <button
      type="button"
      className="main"
      aria-disabled={whyNot !== null || isBusy}
      title={whyNot ?? "Stores a revision; executions that run keep theirs"}
      onClick={isBusy ? undefined : press}
    >
      {isBusy ? "Publishing…" : "Publish"}
    </button>
  );
}

/** What is published, what is kept, and what is nowhere but here. */
function Standing({ state }: { state: State }) {
  const now = useNow(state.draft !== null, 10_000);
  const revision = `revision ${state.published.revision}`;
  if (isPublished(state)) {
    return <span className="chip waiting">Saved · {revision}</span>;
  }
  const draft = `Draft · ${revision} is published`;
  return (
    <>
      <span className="chip waiting">{draft}</span>
      <span className="saved" role="status" title={keptWords(state, now)}>
        {keptWords(state, now)}
      </span>
    </>
  );
}

function keptWords(state: State, now: number): string {
  if (isSaved(state) && state.draft) return `Saved as draft ${ago(state.draft.at, now)}`;
  if (state.isSignedOut) return "Only in this tab until you have signed in";
  if (state.elsewhere) return "Only in this tab until you have chosen";
  if (state.saving === "failed") {
    return `Only in this tab: ${state.error?.message ?? "it could not be kept"}`;
  }
  return state.saving === "saving" ? "Saving…" : "Not saved yet";
}

function useTitle(name: string, saved: boolean): void {
  useEffect(() => {
    document.title = `${saved ? "" : "● "}${name} · edit · Pipeline Engine`;
  }, [name, saved]);
}
