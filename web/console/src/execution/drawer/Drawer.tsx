/** What is behind a step, an item, or the whole execution. Its tab is in the address. */

import { type ReactNode, useEffect } from "react";
import type { Execution, Explanation, Step } from "../../api/types";
import { Chip } from "../../parts/State";
import { go, Link, useQueryString, withQuery } from "../../router";
import { stateOfExecution, stateOfStep } from "../../states";
import type { Tracks } from "../gantt/segments";
import { itemName, useItems } from "../items";
import { Attempts } from "./Attempts";
import { Items } from "./Items";
import { Logs } from "./Logs";
import { ExecutionFacts, StepFacts } from "./Overview";
import { ExecutionOutputs, ExecutionParams, StepOutputs, StepParams } from "./Values";

interface Props {
  execution: Execution;
  step: Step | null;
  tracks: Tracks;
  explanation: Explanation | undefined;
  now: number;
}

interface Tab {
  id: string;
  word: string;
  show: () => ReactNode;
}

export function Drawer(props: Props) {
  const { step } = props;
  useEscape(step !== null);
  if (step === null) return <OfExecution {...props} />;
  return <OfStep {...props} step={step} />;
}

function OfExecution({ execution, explanation, now }: Props) {
  const tabs: Tab[] = [
    {
      id: "overview",
      word: "Overview",
      show: () => <ExecutionFacts {...{ execution, explanation, now }} />,
    },
    { id: "params", word: "Params", show: () => <ExecutionParams execution={execution} /> },
    { id: "outputs", word: "Outputs", show: () => <ExecutionOutputs execution={execution} /> },
    { id: "logs", word: "Logs", show: () => <Logs execution={execution} step={null} row={null} /> },
  ];
  return (
    <Panel label="Execution" tabs={tabs}>
      <div className="line">
        <h2>Execution</h2>
        <Chip state={stateOfExecution(execution)} />
      </div>
      <span className="muted">Choose a step to see what is behind it.</span>
    </Panel>
  );
}

function OfStep(props: Props & { step: Step }) {
  const { execution, step, tracks, explanation, now } = props;
  const query = useQueryString();
  const page = Math.max(1, Number(query.get("page")) || 1);
  const below = useChosenRow(step, query.get("row"), page);
  const shown = below ?? step;
  const tabs: Tab[] = [
    {
      id: "overview",
      word: "Overview",
      show: () => <StepFacts step={shown} {...{ tracks, explanation, now }} />,
    },
    ...(step.items && !below
      ? [
          {
            id: "items",
            word: `${step.inside ? "Steps" : "Items"} ${step.items.total}`,
            show: () => <Items step={step} page={page} now={now} />,
          },
        ]
      : []),
    {
      id: "attempts",
      word: "Attempts",
      show: () => <Attempts row={shown} track={tracks.get(shown.id)} now={now} />,
    },
    { id: "params", word: "Params", show: () => <StepParams execution={execution} step={step} /> },
    {
      id: "outputs",
      word: "Outputs",
      show: () => <StepOutputs step={shown} parent={below ? step : null} page={page} />,
    },
    {
      id: "logs",
      word: "Logs",
      show: () => <Logs execution={execution} step={step} row={below} />,
    },
  ];
  return (
    <Panel label="Step" tabs={tabs} close={withQuery({ step: null, row: null, page: null })}>
      {below && (
        <Link className="back" href={withQuery({ row: null, tab: "items" })}>
          ← {step.step_name}
        </Link>
      )}
      <div className="line">
        <h2 title={below ? itemName(below) : step.step_name}>
          {below ? itemName(below) : step.step_name || step.step_id}
        </h2>
        <Chip state={stateOfStep(shown)} />
      </div>
      <span className="id muted">{shown.handler_type}</span>
    </Panel>
  );
}

function useChosenRow(step: Step, row: string | null, page: number): Step | null {
  const { data } = useItems(step, page);
  return (row && data?.steps.find((item) => item.id === row)) || null;
}

interface PanelProps {
  label: string;
  tabs: Tab[];
  close?: string;
  children: ReactNode;
}

function Panel({ label, tabs, close, children }: PanelProps) {
  const wanted = useQueryString().get("tab");
  const here = tabs.find((tab) => tab.id === wanted) ?? tabs[0];
  return (
    <aside className="drawer" aria-label={label}>
      <div className="head">
        {children}
        {close && (
          <Link className="close" href={close} aria-label="Close the step" title="Close (Esc)">
            ×
          </Link>
        )}
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
      <section className="body" aria-label={here?.word} tabIndex={0}>
        {here?.show()}
      </section>
    </aside>
  );
}

function useEscape(active: boolean): void {
  useEffect(() => {
    if (!active) return;
    const press = (event: KeyboardEvent) => {
      if (event.key === "Escape" && document.querySelector("dialog[open]") === null) {
        go(withQuery({ step: null, row: null, page: null }));
      }
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [active]);
}
