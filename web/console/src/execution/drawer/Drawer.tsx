/** What is behind a step, an item, or the whole execution. Where one is in it, is in the address. */

import { type ReactNode, useEffect } from "react";
import type { Execution, Explanation, OneStep, Step } from "../../api/types";
import { Failure } from "../../parts/Notice";
import { Chip } from "../../parts/State";
import { go, Link, useQueryString, withQuery } from "../../router";
import { stateOfExecution, stateOfStep } from "../../states";
import { itemName, useRow } from "../items";
import { Logs } from "../logs/Logs";
import { Attempts } from "./Attempts";
import { ExecutionFacts } from "./ExecutionFacts";
import { Items } from "./Items";

import { StepFacts } from "./StepFacts";
import { ExecutionOutputs, ExecutionParams, StepOutputs, StepParams } from "./Values";
import "./drawer.css";

interface Props {
  execution: Execution;
  /** The chosen step of the definition, as the list has it. */
  step: Step | null;
  explanation: Explanation | undefined;
  now: number;
}

interface Tab {
  id: string;
  word: string;
  show: () => ReactNode;
}

/** What is chosen, and how one looks at it. */
export const NOTHING_CHOSEN = {
  step: null,
  row: null,
  attempt: null,
  item: null,
  state: null,
};

export function Drawer(props: Props) {
  const query = useQueryString();
  // An address may name an item or a step of a block where others name a step.
  const row = query.get("row") ?? query.get("step");
  useEscape(row !== null);
  const found = useRow(props.execution.id, row);
  if (row === null) return <OfExecution {...props} />;
  const shown = found.data ?? (props.step?.id === row ? withoutDetails(props.step) : undefined);
  if (shown) return <OfRow {...props} row={shown} complete={found.data !== undefined} />;
  return (
    <Panel label="Step" tabs={[]} closable>
      {found.error ? <Failure error={found.error} /> : <span className="muted">Loading…</span>}
    </Panel>
  );
}

/** What the list knows already is shown until the rest is there. */
const withoutDetails = (step: Step): OneStep => ({
  ...step,
  params: null,
  params_problem: null,
  outputs_are_elsewhere: false,
  attempts: [],
  callback_expires_at: null,
  waits_for: null,
});

function OfExecution({ execution, explanation, now }: Props) {
  const tabs: Tab[] = [
    {
      id: "overview",
      word: "Overview",
      show: () => <ExecutionFacts {...{ execution, explanation, now }} />,
    },
    { id: "params", word: "Params", show: () => <ExecutionParams execution={execution} /> },
    { id: "outputs", word: "Outputs", show: () => <ExecutionOutputs execution={execution} /> },
    { id: "logs", word: "Logs", show: () => <Logs execution={execution} row={null} /> },
  ];
  return (
    <Panel label="Execution" tabs={tabs}>
      <div className="execution-line">
        <h2>Execution</h2>
        <Chip state={stateOfExecution(execution)} />
      </div>
      <span className="muted">Choose a step to see what is behind it.</span>
    </Panel>
  );
}

function OfRow(props: Props & { row: OneStep; complete: boolean }) {
  const { execution, step, row, complete, explanation, now } = props;
  const late = (show: () => ReactNode) => () =>
    complete ? show() : <p className="empty">Loading…</p>;
  const tabs: Tab[] = [
    {
      id: "overview",
      word: "Overview",
      show: () => <StepFacts {...{ execution, row, explanation, now }} />,
    },
    ...(row.items
      ? [
          {
            id: "items",
            word: row.inside ? "Steps" : "Items",
            show: () => <Items {...{ step: row, now }} />,
          },
        ]
      : []),
    { id: "attempts", word: "Attempts", show: late(() => <Attempts {...{ row, now }} />) },
    { id: "params", word: "Params", show: late(() => <StepParams {...{ execution, row }} />) },
    { id: "outputs", word: "Outputs", show: late(() => <StepOutputs row={row} />) },
    { id: "logs", word: "Logs", show: () => <Logs key={row.id} {...{ execution, row }} /> },
  ];
  const name = itemName(row);
  return (
    <Panel label="Step" tabs={tabs} closable>
      {row.parent_id && <Back row={row} step={step} />}
      <div className="execution-line">
        <h2 title={name}>{name}</h2>
        <Chip state={stateOfStep(row)} />
      </div>
      <span className="id muted">{row.handler_type}</span>
    </Panel>
  );
}

/** To what it is an item or a step of. */
function Back({ row, step }: { row: OneStep; step: Step | null }) {
  const top = step?.id === row.parent_id;
  const to = top ? { row: null } : { step: row.parent_id, row: null };
  const tab = row.kind === "item" || !top ? "items" : "overview";
  return (
    <Link className="back" href={withQuery({ ...to, tab, attempt: null })}>
      ← {top ? step?.step_name || step?.step_id : row.step_name || row.step_id}
    </Link>
  );
}

interface PanelProps {
  label: string;
  tabs: Tab[];
  closable?: boolean;
  children: ReactNode;
}

function Panel({ label, tabs, closable = false, children }: PanelProps) {
  const query = useQueryString();
  const here = tabs.find((tab) => tab.id === query.get("tab")) ?? tabs[0];
  const wide = query.get("wide") !== null;
  return (
    <aside className="drawer" aria-label={label}>
      <div className="head">
        {children}
        <div className="drawer-acts">
          <button
            type="button"
            className="plain widen"
            aria-pressed={wide}
            title={wide ? "Narrower" : "Wider"}
            onClick={() => go(withQuery({ wide: wide ? null : "1" }), { replace: true })}
          >
            <span aria-hidden="true">{wide ? "⇥" : "⇤"}</span>
            <span className="unseen">{wide ? "Narrower" : "Wider"}</span>
          </button>
          {closable && (
            <Link
              className="close"
              href={withQuery(NOTHING_CHOSEN)}
              aria-label="Close the step"
              title="Close (Esc)"
            >
              ×
            </Link>
          )}
        </div>
      </div>
      <nav className="drawer-tabs" aria-label={`Parts of the ${label.toLowerCase()}`}>
        {tabs.map((tab) => (
          <Link
            key={tab.id}
            href={withQuery({ tab: tab.id })}
            aria-current={tab === here ? "true" : undefined}
          >
            {tab.word}
          </Link>
        ))}
      </nav>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and by the keyboard too */}
      <section className="body" key={here?.id} aria-label={here?.word} tabIndex={0}>
        {here?.show()}
      </section>
    </aside>
  );
}

/** Escape lets go, and the focus is where it was before: on the step. */
function useEscape(active: boolean): void {
  useEffect(() => {
    if (!active) return;
    const press = (event: KeyboardEvent) => {
      const typing = (event.target as HTMLElement).closest("input, textarea, select");
      if (event.key !== "Escape" || typing || document.querySelector("dialog[open]")) return;
      const step = new URLSearchParams(location.search).get("step");
      go(withQuery(NOTHING_CHOSEN));
      document.getElementById(`step-${step}`)?.focus();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [active]);
}
