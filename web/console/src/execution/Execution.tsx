/** One execution: graph, Gantt and events on one clock, and a drawer with what is behind a step. */

import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo } from "react";
import { get } from "../api/client";
import type { DefinedStep, Event, Explanation, Progress, Step } from "../api/types";
import { Failure } from "../parts/Notice";
import { useNow } from "../parts/now";
import { go, useQueryString, withQuery } from "../router";
import { isOpen, stateOfExecution } from "../states";
import { moment } from "../time";
import { Drawer } from "./drawer/Drawer";
import { EventLog } from "./EventLog";
import { stepOf } from "./events";
import { Gantt, type Span } from "./Gantt";
import { Graph } from "./Graph";
import { Header } from "./Header";
import { itemName, useDrawnItems } from "./items";
import { type Live, useLive } from "./useLive";
import "./execution.css";

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
  const items = useDrawnItems(steps);
  const subject = useSubject(steps, items);
  const explanation = useExplanation(execution.id, open);
  useTitle(progress);
  const select = useCallback((id: string) => choose(id), []);
  const lost = live.events.filter((event) => event.event_type === "step_recovered").length;
  const word = !open ? "ended" : live.awaySince === null ? "live" : "reconnecting";
  return (
    <div className={chosen ? "execution chosen" : "execution"}>
      <Header progress={progress} lost={lost} awaySince={live.awaySince} now={now} />
      <Graph
        steps={steps}
        defined={definedSteps(progress)}
        items={items}
        selected={chosen?.id ?? null}
        select={select}
      />
      <Drawer
        execution={execution}
        step={chosen}
        events={live.events}
        explanation={explanation}
        now={now}
      />
      <Gantt
        steps={steps}
        items={items}
        events={live.events}
        span={spanOf(progress, now)}
        now={now}
        selected={chosen?.id ?? null}
        select={select}
      />
      <EventLog
        events={live.events}
        hasOlder={live.hasOlder}
        older={live.older}
        subject={subject}
        select={select}
        word={word}
      />
    </div>
  );
}

/** Choosing is a place to come back to; choosing the same again lets go. */
function choose(id: string): void {
  const before = new URLSearchParams(location.search).get("step");
  go(withQuery({ step: before === id ? null : id, row: null, page: null }));
}

const definedSteps = (progress: Progress): DefinedStep[] => {
  const { steps } = progress.execution.pipeline_definition.dag as { steps?: DefinedStep[] };
  return steps ?? [];
};

function useExplanation(id: string, open: boolean): Explanation | undefined {
  return useQuery({
    queryKey: ["execution", id, "explanation"],
    queryFn: ({ signal }) => get<Explanation>(`/executions/${id}/explain`, signal),
    staleTime: 2_000,
    refetchInterval: open ? 10_000 : false,
  }).data;
}

/** How the one is called that an event is about, and the row of the graph that it belongs to. */
function useSubject(steps: Step[], items: Map<string, Step[]>) {
  return useMemo(() => {
    const rows = new Map(steps.map((step) => [step.step_id, step.id]));
    const names = new Map([...items.values()].flat().map((item) => [item.id, itemName(item)]));
    return (event: Event) => {
      const { step_name, step_id, item_index } = event.event_details;
      const top = rows.get(stepOf(event) ?? "") ?? null;
      const plain = String(step_name ?? step_id ?? "");
      const index = item_index === undefined || item_index === null ? "" : ` · item ${item_index}`;
      return { name: names.get(event.step_execution_id ?? "") ?? plain + index, top };
    };
  }, [steps, items]);
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
