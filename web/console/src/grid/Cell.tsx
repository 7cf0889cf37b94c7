import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { EXECUTIONS } from "../addresses";
import { get } from "../api/client";
import type { OneStep } from "../api/types";
import { Chip } from "../parts/State";
import { Link } from "../router";
import { stateOfStep } from "../states";
import { duration, exact, moment } from "../time";
import type { Column, GridStep } from "./columns";

interface Props {
  column: Column;
  step: GridStep;
  cell: NonNullable<Column["cells"][string]>;
  close: () => void;
}

/** One step of one execution in short, and the way to all of it. */
export function Cell({ column, step, cell, close }: Props) {
  const { execution_id, revision } = column;
  const head = useRef<HTMLButtonElement>(null);
  const { data } = useQuery({
    queryKey: ["execution", execution_id, "step", String(cell.id), cell.status],
    queryFn: ({ signal }) => get<OneStep>(`/executions/${execution_id}/steps/${cell.id}`, signal),
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another cell takes the focus anew
  useEffect(() => head.current?.focus(), [execution_id, step.step_id]);
  const { started_at, ended_at } = cell;
  return (
    <aside
      className="cell-drawer"
      aria-label={step.name}
      onKeyDown={({ key }) => key === "Escape" && close()}
    >
      <header>
        <h2>{step.name}</h2>
        <button type="button" ref={head} className="plain" onClick={close}>
          Close
        </button>
      </header>
      <p>
        <Chip state={stateOfStep({ ...cell, waits_for_place: false })} />
      </p>
      <dl>
        <dt>Step</dt>
        <dd>
          <code>{step.step_id}</code>, revision {revision}
        </dd>
        <dt>Started</dt>
        <dd>{started_at ? exact(moment(started_at)) : "not yet"}</dd>
        <dt>Took</dt>
        <dd>
          {started_at && ended_at ? duration(moment(ended_at) - moment(started_at)) : "–"}, attempt{" "}
          {cell.attempt}
        </dd>
        {cell.items_total !== null && (
          <>
            <dt>Items</dt>
            <dd>
              {cell.items_total}, {cell.items_open ?? 0} of them open
            </dd>
          </>
        )}
      </dl>
      {data?.error_message && (
        <p className="failure">
          {data.error_message} <code>{data.error_code}</code>
        </p>
      )}
      <Link className="button" href={`${EXECUTIONS}/${execution_id}?step=${cell.id}`}>
        Open in its execution
      </Link>
    </aside>
  );
}
