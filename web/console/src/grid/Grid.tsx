/** Executions beside each other, step by step: where it fails, and since when. */

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { type KeyboardEvent, memo, useEffect, useMemo, useRef, useState } from "react";
import { EXECUTIONS, PIPELINES, pipelineAt } from "../addresses";
import { get } from "../api/client";
import { own } from "../api/json";
import type { Grid as Answer, Pipeline } from "../api/types";
import { Icon } from "../parts/Icon";
import { Failure, Notice } from "../parts/Notice";
import { PageHead } from "../parts/PageHead";
import { Skeleton } from "../parts/Skeleton";
import { Trail } from "../parts/Trail";
import { useWindow } from "../parts/useWindow";
import { go, Link, useQueryString, withQuery } from "../router";
import { isOpen, stateOfStatus, stateOfStep } from "../states";
import { duration, exact, moment } from "../time";
import { Cell } from "./Cell";
import { type Column, type GridStep, merged, type Sheet, toAsk } from "./columns";
import "./grid.css";

const PAGE_SIZE = 20;
/** Pixels of a row; grid.css has the same. */
const ROW = 28;
/** Milliseconds between two looks: with something open, and without. */
const LIVE = 3_000;
const QUIET = 10_000;
const EMPTY: Sheet = { steps: [], columns: [] };

export default function Grid({ id }: { id: string }) {
  const pipeline = useQuery({
    queryKey: ["pipeline", id, "name"],
    queryFn: ({ signal }) => get<Pipeline>(`/pipelines/${encodeURIComponent(id)}`, signal),
  });
  const { sheet, pages } = useSheet(id);
  const name = pipeline.data?.name ?? "";
  if (pipeline.error) return <Failure error={pipeline.error} />;
  return (
    <div className="list-page grid-page">
      <Trail
        ways={[
          ["Pipelines", PIPELINES],
          [name || "Pipeline", pipelineAt(id)],
        ]}
      >
        <span>grid</span>
      </Trail>
      <PageHead
        title={name ? `Grid of ${name}` : "Grid"}
        count={pages.data?.pages[0]?.pagination.total_count}
      >
        {pages.hasNextPage && (
          <button
            type="button"
            disabled={pages.isFetchingNextPage}
            onClick={() => void pages.fetchNextPage()}
          >
            Older executions
          </button>
        )}
      </PageHead>
      {pages.error && !pages.data ? (
        <Failure error={pages.error} retry={() => void pages.refetch()} />
      ) : !pages.data ? (
        <Skeleton of="the grid" />
      ) : sheet.columns.length === 0 ? (
        <Notice title="No executions yet">
          <p>
            <Link href={`${pipelineAt(id)}?run=1`}>Run it</Link>, and it is shown here step by step.
          </p>
        </Notice>
      ) : (
        <Table sheet={sheet} />
      )}
    </div>
  );
}

/** Pages are asked for once; after that only what is open, or may be new. */
function useSheet(id: string) {
  const pages = useInfiniteQuery({
    queryKey: ["grid", id],
    queryFn: ({ pageParam, signal }) =>
      get<Answer>(`/pipelines/${id}/grid?page=${pageParam}&page_size=${PAGE_SIZE}`, signal),
    initialPageParam: 1,
    getNextPageParam: ({ pagination: { page, page_size, total_count } }) =>
      page * page_size < total_count ? page + 1 : undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const [sheet, setSheet] = useState(EMPTY);
  useEffect(() => {
    if (!pages.data) return;
    const all = pages.data.pages.map(({ steps, executions }) => ({ steps, columns: executions }));
    setSheet((known) => all.toReversed().reduce((sum, page) => merged(sum, page), known));
  }, [pages.data]);
  const count = toAsk(sheet);
  const newest = useQuery({
    queryKey: ["grid", id, "newest", count],
    queryFn: ({ signal }) => get<Answer>(`/pipelines/${id}/grid?page_size=${count}`, signal),
    enabled: pages.data !== undefined,
    refetchInterval: sheet.columns.some(({ status }) => isOpen(status)) ? LIVE : QUIET,
  });
  useEffect(() => {
    if (!newest.data) return;
    const { steps, executions } = newest.data;
    setSheet((known) => merged(known, { steps, columns: executions }));
  }, [newest.data]);
  return { sheet, pages };
}

interface At {
  row: number;
  column: number;
}

function Table({ sheet }: { sheet: Sheet }) {
  const { steps, columns } = sheet;
  const frame = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<At>({ row: 0, column: 0 });
  const window = useWindow(frame, steps.length, ROW, ROW * 2);
  const chosen = useQueryString().get("cell") ?? "";
  const [execution = "", stepId = ""] = chosen.split(/:(.*)/s);
  const column = columns.find(({ execution_id }) => execution_id === execution);
  const cell = column && own(column.cells, stepId);
  const step = steps.find(({ step_id }) => step_id === stepId);
  const focus = (next: At) => {
    setAt(next);
    const box = frame.current;
    if (!box) return;
    const top = next.row * ROW;
    if (top < box.scrollTop) box.scrollTop = top;
    const below = top + ROW * 4 - box.clientHeight;
    if (below > box.scrollTop) box.scrollTop = below;
    requestAnimationFrame(() =>
      box.querySelector<HTMLElement>(`[data-at="${next.row} ${next.column}"]`)?.focus(),
    );
  };
  const press = (event: KeyboardEvent) => {
    const next = moved(event.key, at, steps.length, columns.length);
    if (!next) return;
    event.preventDefault();
    focus(next);
  };
  const close = () => {
    go(withQuery({ cell: null }), { replace: true });
    focus(at);
  };
  const rows = useMemo(
    () =>
      steps.slice(window.from, window.to).map((one, place) => ({ one, row: window.from + place })),
    [steps, window.from, window.to],
  );
  return (
    <div className={cell ? "grid-and-cell with-cell" : "grid-and-cell"}>
      {/* biome-ignore lint/a11y/useSemanticElements: the rows that are not seen are no elements */}
      <div
        className="grid-frame"
        ref={frame}
        role="grid"
        aria-label="Steps by execution, the newest first"
        aria-rowcount={steps.length + 1}
        aria-colcount={columns.length + 1}
        tabIndex={-1}
        onKeyDown={press}
      >
        <Heads columns={columns} />
        <div style={{ height: window.from * ROW }} />
        {rows.map(({ one, row }) => (
          <Row
            key={one.step_id}
            step={one}
            row={row}
            columns={columns}
            tab={at.row === row ? at.column : null}
            chosen={one.step_id === stepId ? execution : null}
            enter={setAt}
          />
        ))}
        <div style={{ height: (steps.length - window.to) * ROW }} />
      </div>
      {cell && column && step && <Cell column={column} step={step} cell={cell} close={close} />}
    </div>
  );
}

/** Where a key leads from a cell; null if it is none of the grid's. */
function moved(key: string, { row, column }: At, rows: number, columns: number): At | null {
  const moves: Record<string, At> = {
    ArrowDown: { row: row + 1, column },
    ArrowUp: { row: row - 1, column },
    ArrowRight: { row, column: column + 1 },
    ArrowLeft: { row, column: column - 1 },
    Home: { row, column: 0 },
    End: { row, column: columns - 1 },
    PageDown: { row: row + 10, column },
    PageUp: { row: row - 10, column },
  };
  const next = moves[key];
  const within = (value: number, count: number) => Math.max(0, Math.min(count - 1, value));
  return next ? { row: within(next.row, rows), column: within(next.column, columns) } : null;
}

const Heads = memo(function Heads({ columns }: { columns: Column[] }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: see the grid
    // biome-ignore lint/a11y/useFocusableInteractive: its links have the focus
    <div className="grid-row grid-heads" role="row">
      {/* biome-ignore lint/a11y/useSemanticElements: see the grid */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: a head is no place to be */}
      <span className="grid-step" role="columnheader">
        Step
      </span>
      {columns.map((column, at) => {
        const { execution_id, status, created_at, revision } = column;
        const state = stateOfStatus(status);
        const older = columns[at + 1];
        const label = `${state.word}, ${exact(moment(created_at))}, revision ${revision}`;
        return (
          // biome-ignore lint/a11y/useSemanticElements: see the grid
          // biome-ignore lint/a11y/useFocusableInteractive: its link has the focus
          <span
            key={execution_id}
            role="columnheader"
            className={older && older.revision !== revision ? "grid-head first-of" : "grid-head"}
          >
            <Link
              href={`${EXECUTIONS}/${execution_id}`}
              className={state.look}
              title={label}
              aria-label={label}
            >
              <Icon name={state.icon} />
            </Link>
          </span>
        );
      })}
    </div>
  );
});

interface RowProps {
  step: GridStep;
  row: number;
  columns: Column[];
  /** The column whose cell Tab leads to; null if it is in another row. */
  tab: number | null;
  chosen: string | null;
  enter: (at: At) => void;
}

const Row = memo(function Row({ step, row, columns, tab, chosen, enter }: RowProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: see the grid
    // biome-ignore lint/a11y/useFocusableInteractive: its cells have the focus
    <div className="grid-row" role="row" aria-rowindex={row + 2}>
      {/* biome-ignore lint/a11y/useSemanticElements: see the grid */}
      {/* biome-ignore lint/a11y/useFocusableInteractive: a head is no place to be */}
      <span className="grid-step" role="rowheader" title={`${step.name} (${step.step_id})`}>
        {step.name || step.step_id}
      </span>
      {columns.map((column, at) => {
        const { execution_id, cells, revision } = column;
        const cell = own(cells, step.step_id);
        const state = cell ? stateOfStep({ ...cell, waits_for_place: false }) : null;
        const words =
          cell && state ? `${state.word}${tookOf(cell)}` : `not in revision ${revision}`;
        return (
          // biome-ignore lint/a11y/useSemanticElements: see the grid
          <button
            key={execution_id}
            type="button"
            role="gridcell"
            data-at={`${row} ${at}`}
            tabIndex={tab === at ? 0 : -1}
            className={state ? `grid-cell ${state.look}` : "grid-cell none-there"}
            aria-selected={chosen === execution_id}
            aria-label={`${step.name}: ${words}`}
            title={words}
            onFocus={() => enter({ row, column: at })}
            onClick={() =>
              cell && go(withQuery({ cell: `${execution_id}:${step.step_id}` }), { replace: true })
            }
          >
            {state && <Icon name={state.icon} />}
          </button>
        );
      })}
    </div>
  );
});

function tookOf({ started_at, ended_at }: { started_at: string | null; ended_at: string | null }) {
  return started_at && ended_at ? `, ${duration(moment(ended_at) - moment(started_at))}` : "";
}
