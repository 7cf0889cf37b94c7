/** One execution: graph, Gantt and events on one clock, and a drawer with what is behind a step. */

import { useQuery } from "@tanstack/react-query";
import { Suspense, useCallback, useEffect, useMemo } from "react";
import { get } from "../api/client";
import type { DefinedStep, Event, Explanation, Progress, Step } from "../api/types";
import { Boundary } from "../parts/Boundary";
import { Failure } from "../parts/Notice";
import { part } from "../parts/part";
import { useNow } from "../parts/useNow";
import { go, useQueryString, withQuery } from "../router";
import { isOpen, stateOfExecution } from "../states";
import { moment } from "../time";
import { Drawer, NOTHING_CHOSEN } from "./drawer/Drawer";
import { Gantt } from "./gantt/Gantt";
import type { Span } from "./gantt/span";
import { Header } from "./Header";
import { EventLines } from "./history/EventLog";
import { Events } from "./history/Events";
import { stepOf } from "./history/events";
import { itemName, useDrawnItems } from "./items";
import { LiveRegion } from "./LiveRegion";
import { List } from "./list/List";
import { Logs } from "./logs/Logs";
import { type Live, useLive } from "./useLive";
import "./execution.css";

/** Milliseconds between two questions why it waits. */
const EXPLAINED = 5_000;

// It is half of the code, and the other half need not wait for it.
const Graph = part(() => import("./graph/Graph"));

export default function Execution({ id }: { id: string }) {
  const live = useLive(id);
  if (live.progress) return <Shown live={live} progress={live.progress} />;
  if (live.error) return <Failure error={live.error} retry={live.retry} />;
  return <p className="loading">Loading the execution…</p>;
}

function Shown({ live, progress }: { live: Live; progress: Progress }) {
  const { execution, steps } = progress;
  const open = isOpen(execution.status);
  const now = useNow(open);
  const query = useQueryString();
  const chosen = steps.find((step) => step.id === query.get("step")) ?? null;
  const explanation = useExplanation(execution.id, open);
  useTitle(progress);
  const view = query.get("view");
  const names = ["execution-page"];
  if (query.get("step")) names.push("chosen");
  if (query.get("wide")) names.push("wide");
  if (view) names.push("alone");
  return (
    <div className={names.join(" ")}>
      <Header progress={progress} live={live} now={now} />
      <LiveRegion progress={progress} />
      {view === "events" ? (
        <EventsAlone {...{ live, progress, chosen }} />
      ) : view === "list" ? (
        <ListAlone {...{ progress, now, chosen }} />
      ) : view === "logs" ? (
        <section className="alone-part" aria-label="Logs">
          <Logs execution={execution} row={null} />
        </section>
      ) : (
        <Together {...{ live, progress, now, chosen }} />
      )}
      <Drawer step={chosen} {...{ execution, explanation, now }} />
    </div>
  );
}

function EventsAlone({ live, progress, chosen }: Omit<TogetherProps, "now">) {
  const { execution, steps } = progress;
  const subject = useSubject(steps);
  return <Events {...{ execution, chosen, live, subject }} select={choose} />;
}

function ListAlone({ progress, now, chosen }: Omit<TogetherProps, "live">) {
  const { execution, steps } = progress;
  const defined = useMemo(() => definedSteps(execution), [execution]);
  return <List {...{ steps, defined, now }} selected={chosen?.id ?? null} />;
}

interface TogetherProps {
  live: Live;
  progress: Progress;
  now: number;
  chosen: Step | null;
}

/** The three that show the same on one clock. */
function Together({ live, progress, now, chosen }: TogetherProps) {
  const { execution, steps } = progress;
  const items = useDrawnItems(steps);
  const names = useMemo(
    () => new Map([...items.values()].flat().map((item) => [item.id, itemName(item)])),
    [items],
  );
  const subject = useSubject(steps, names);
  const defined = useMemo(() => definedSteps(execution), [execution]);
  const select = useCallback((id: string) => choose(id), []);
  const { hasOlder, older, history } = live;
  const word = !isOpen(execution.status)
    ? "ended"
    : live.awaySince === null
      ? "live"
      : "reconnecting";
  return (
    <>
      <Boundary>
        <Suspense fallback={<section className="graph" aria-label="Steps" />}>
          <Graph {...{ steps, defined, select }} selected={chosen?.id ?? null} />
        </Suspense>
      </Boundary>
      <Gantt
        {...{ steps, defined, items, now }}
        tracks={history.tracks}
        whole={spanOf(progress, now)}
        selected={chosen?.id ?? null}
        row={useQueryString().get("row")}
      />
      <section className="event-log" aria-label="Events">
        <h2>
          Events <span>{word}</span>
        </h2>
        <EventLines {...{ hasOlder, older, subject, select }} events={history.events} />
      </section>
    </>
  );
}

/** Choosing is a place to come back to; choosing the same again lets go. */
function choose(id: string): void {
  const before = new URLSearchParams(location.search).get("step");
  const step = before === id ? null : id;
  go(withQuery({ ...NOTHING_CHOSEN, step }));
}

function definedSteps(execution: Progress["execution"]): DefinedStep[] {
  const { steps } = execution.pipeline_definition.dag as { steps?: DefinedStep[] };
  return steps ?? [];
}

function useExplanation(id: string, open: boolean): Explanation | undefined {
  return useQuery({
    queryKey: ["explanation", id],
    queryFn: ({ signal }) => get<Explanation>(`/executions/${id}/explain`, signal),
    staleTime: 2_000,
    enabled: open,
    refetchInterval: open ? EXPLAINED : false,
  }).data;
}

const NO_NAMES: ReadonlyMap<string, string> = new Map();

/** How the one is called that an event is about, and the row of the graph that it belongs to. */
function useSubject(steps: Step[], names = NO_NAMES) {
  return useMemo(() => {
    const rows = new Map(steps.map((step) => [step.step_id, step.id]));
    return (event: Event) => {
      const { step_name, step_id, item_index } = event.event_details;
      const top = rows.get(stepOf(event) ?? "") ?? null;
      const plain = String(step_name ?? step_id ?? "");
      const index = item_index === undefined || item_index === null ? "" : ` · item ${item_index}`;
      return { name: names.get(event.step_execution_id ?? "") ?? plain + index, top };
    };
  }, [steps, names]);
}

function useTitle(progress: Progress): void {
  const { word } = stateOfExecution(progress.execution);
  const title = `${word} · ${progress.execution.pipeline_definition.pipeline_name} · Pipeline Engine`;
  useEffect(() => {
    document.title = title;
  }, [title]);
}

/** From the start to the end, or to now; a little more, so that the last bar does not touch. */
function spanOf({ execution }: Progress, now: number): Span {
  const from = moment(execution.start_time ?? execution.created_at);
  const to = execution.end_time === null ? now : moment(execution.end_time);
  return { from, to: from + Math.max(20, to - from) * 1.04 };
}
