/** The parts of the editor around one definition, and what one does with them. */

import { ReactFlowProvider } from "@xyflow/react";
import { Suspense, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { Drafts, SetDraft } from "../forms/drafts";
import { announce } from "../parts/announce";
import { Boundary } from "../parts/Boundary";
import { part } from "../parts/part";
import { go, useQueryString, withQuery } from "../router";
import { ActionPalette } from "./ActionPalette";
import { Conflict, DraftConflict } from "./Conflict";
import { CanvasView } from "./canvas/CanvasView";
import { focusCanvas, focusSoon, focusStep } from "./canvas/focus";
import { type EditorContext, EditorProvider } from "./context";
import { Evaluate } from "./Evaluate";
import { type Editing, useEditing } from "./editing";
import { Head, VIEWS, type View } from "./Head";
import { ListView } from "./list/ListView";
import { addStep } from "./model/changes";
import { find, listWithin, type Placed } from "./model/steps";
import { ProblemList } from "./ProblemList";
import { newStep, usePalette } from "./palette";
import { PipelinePanel } from "./panel/PipelinePanel";
import { StepPanel } from "./panel/StepPanel";
import { SignIn } from "./SignIn";
import { useDraft } from "./useDraft";
import { useEditorKeys } from "./useKeys";
import { usePublish } from "./usePublish";
import { useSession } from "./useSession";
import { useValidation } from "./useValidation";

const DocumentView = part(() => import("./code/DocumentView"));

type Pane = "actions" | "canvas" | "step" | "problems";
const PANES: [Pane, string][] = [
  ["actions", "Actions"],
  ["canvas", "Canvas"],
  ["step", "Step"],
  ["problems", "Problems"],
];

export function Workbench({ id, editing }: { id: string; editing: Editing }) {
  const state = useEditing(editing);
  const palette = usePalette();
  const query = useQueryString();
  const { document, written } = {
    document: editing.document,
    written: state.history.present.written,
  };
  const checked = useValidation(document);
  const [pane, setPane] = useState<Pane>("canvas");
  const [goal, setGoal] = useState<EditorContext["goal"]>(null);
  const [isTrying, setTrying] = useState(false);
  const [layouts, setLayouts] = useState(0);
  const layOut = useCallback(() => setLayouts((count) => count + 1), []);
  const draftsAt = useFormDrafts();
  useDraft(id, editing, state);
  useSession(editing);
  useEditorKeys(editing, layOut);
  const publishing = usePublish(id, editing, checked);

  // A text that cannot be read is mended where it was typed.
  const isText = query.get("view") === "document" || written?.error != null;
  const view: View = isText ? "document" : query.get("view") === "list" ? "list" : "canvas";
  const chosen = query.get("step");
  const placed = chosen === null ? null : find(document, chosen);
  const list = listOfView(editing, placed, query.get("in"));

  const jump = useCallback((step: string | null, field?: string, pointer?: string) => {
    const view = new URLSearchParams(location.search).get("view");
    if (pointer !== undefined && view === "document") {
      setGoal({ pointer });
      setPane("canvas");
      return;
    }
    const part = tabOf(field);
    const beside = view === "document" ? null : view;
    go(withQuery({ step, tab: part, view: beside, in: null }), { replace: true });
    setPane("step");
    if (field) requestAnimationFrame(() => requestAnimationFrame(() => focusField(field)));
  }, []);
  const context = useMemo(
    (): EditorContext => ({
      editing,
      state,
      palette,
      problems: checked.problems,
      jump,
      goal,
      draftsAt,
    }),
    [editing, state, palette, checked.problems, jump, goal, draftsAt],
  );
  const add = (action: string, byKeys: boolean) => {
    const after = placed && !placed.isHandler ? [placed.id] : [];
    const { document: next, ids } = addStep(document, list, newStep(action, palette), after);
    editing.change(next);
    announce(`Added ${ids[0]}${after[0] ? ` behind ${after[0]}` : ""}.`);
    go(withQuery({ step: ids[0] ?? null, tab: null }), { replace: true });
    if (byKeys && ids[0]) focusSoon(ids[0]);
  };
  const latest = useRef(add);
  useEffect(() => {
    latest.current = add;
  });
  const addLatest = useCallback(
    (action: string, byKeys: boolean) => latest.current(action, byKeys),
    [],
  );
  return (
    <EditorProvider value={context}>
      <div className="editor" data-view={view} data-pane={pane}>
        <Head
          id={id}
          view={view}
          publishing={publishing}
          layOut={layOut}
          openTry={() => setTrying(true)}
          problems={checked.problems}
        />
        <div className="notes">
          {state.isSignedOut && <SignIn editing={editing} />}
          {state.elsewhere && <DraftConflict elsewhere={state.elsewhere} />}
          {state.theirs && <Conflict id={id} theirs={state.theirs} publishing={publishing} />}
        </div>
        <nav className="panes" aria-label="Parts of the editor">
          {PANES.map(([name, word]) => (
            <button
              key={name}
              type="button"
              aria-pressed={pane === name}
              onClick={() => setPane(name)}
            >
              {name === "canvas" ? VIEWS[view] : word}
              {name === "problems" && checked.problems.length > 0 && ` ${checked.problems.length}`}
            </button>
          ))}
        </nav>
        <div className="stage">
          {isText ? (
            <Boundary>
              <Suspense fallback={<p className="loading">Loading the document…</p>}>
                <DocumentView />
              </Suspense>
            </Boundary>
          ) : (
            <>
              <ActionPalette palette={palette} add={addLatest} />
              {view === "list" ? (
                <ListView chosen={chosen} />
              ) : (
                <ReactFlowProvider>
                  <CanvasView id={id} list={list} chosen={chosen} layouts={layouts} />
                </ReactFlowProvider>
              )}
              <aside
                className="editor-panel"
                aria-label={placed ? "Step" : "Pipeline"}
                onKeyDown={(event) => {
                  if (event.key === "Escape") leavePanel(placed?.key ?? null);
                }}
              >
                {placed ? (
                  <StepPanel key={String(placed.path)} placed={placed} />
                ) : (
                  <PipelinePanel />
                )}
              </aside>
            </>
          )}
        </div>
        <ProblemList checked={checked} />
        {isTrying && <Evaluate id={id} placed={placed} close={() => setTrying(false)} />}
      </div>
    </EditorProvider>
  );
}

/** Back from a form to its step, or to the canvas. */
function leavePanel(key: string | null): void {
  if (key === null || !focusStep(key)) focusCanvas();
}

/** The list in which the chosen step stands, or that of the block one is in. */
function listOfView(editing: Editing, placed: Placed | null, block: string | null) {
  if (placed && !placed.isHandler) return placed.list;
  return listWithin(editing.document, placed ? null : block);
}

/** The tab of the panel in which a field of a step stands. */
function tabOf(field: string | undefined): string | null {
  const first = field?.split("/")[1] ?? "";
  const tabs: Record<string, string[]> = {
    when: ["depends_on", "trigger_rule", "cancel_rest", "condition"],
    each: ["for_each", "while"],
    time: ["retry", "catch", "timeout_seconds", "on_failure"],
    more: ["compensate", "concurrency", "notify", "queue", "weight", "idempotent", "tags"],
    parameters: ["parameters"],
    settings: ["settings"],
  };
  return Object.keys(tabs).find((tab) => tabs[tab]?.includes(first)) ?? null;
}

/** The focus goes to the field that a place of a step means, or to the nearest that there is. */
function focusField(field: string): void {
  const names = field.split("/").slice(1).reverse();
  for (const name of names) {
    const found = document.querySelector<HTMLElement>(
      `.panel [data-param="${CSS.escape(name)}"] :is(input, textarea, select, button)`,
    );
    if (found) {
      found.focus();
      found.scrollIntoView({ block: "center" });
      return;
    }
  }
}

function useFormDrafts(): EditorContext["draftsAt"] {
  const [all, setAll] = useState<Readonly<Record<string, Drafts>>>({});
  return useMemo(() => {
    const setters = new Map<string, SetDraft>();
    return (place) => {
      const onDraft: SetDraft =
        setters.get(place) ??
        ((name, draft) =>
          setAll((before) => {
            const drafts = before[place] ?? {};
            if (draft) return { ...before, [place]: { ...drafts, [name]: draft } };
            if (!(name in drafts)) return before;
            const { [name]: _, ...rest } = drafts;
            return { ...before, [place]: rest };
          }));
      setters.set(place, onDraft);
      return { drafts: all[place] ?? NONE, onDraft };
    };
  }, [all]);
}

const NONE: Drafts = {};
