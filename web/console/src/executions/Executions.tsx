/** Executions, newest first: which state, of what, since when, by whom. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { get } from "../api/client";
import type { ExecutionList, Pagination } from "../api/types";
import { Failure, Notice } from "../parts/Notice";
import { useNow } from "../parts/now";
import { go, HOME, Link, useQueryString, withQuery } from "../router";
import { EXECUTION_STATUSES, isOpen, stateOfStatus } from "../states";
import { type Filters, filtersOf, requestOf } from "./filters";
import { Table } from "./Table";
import "./executions.css";

/** Milliseconds between two looks: with something open, and without. */
const LIVE = 2_000;
const QUIET = 6_000;

export function Executions() {
  const filters = filtersOf(useQueryString());
  const found = useQuery({
    queryKey: ["executions", filters],
    queryFn: ({ signal }) => get<ExecutionList>(requestOf(filters), signal),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (anyOpen(state.data) ? LIVE : QUIET),
  });
  const now = useNow(true);
  useEffect(() => {
    document.title = "Executions · Pipeline Engine";
  }, []);
  return (
    <div className="list-page">
      <header className="page-head">
        <h1>Executions</h1>
        {found.data && <Count pagination={found.data.pagination} />}
        {found.data && found.error && (
          <span className="away" role="status">
            <span className="dot" /> cannot be reached since{" "}
            {new Date(found.dataUpdatedAt).toLocaleTimeString("en-GB")}, trying again
          </span>
        )}
      </header>
      <Choices filters={filters} />
      <div
        className={found.isPlaceholderData ? "list fading" : "list"}
        aria-busy={found.isFetching}
      >
        {found.data ? (
          <Found list={found.data} filters={filters} now={now} />
        ) : found.error ? (
          <Failure error={found.error} retry={() => void found.refetch()} />
        ) : (
          <Skeleton />
        )}
      </div>
    </div>
  );
}

const anyOpen = (list: ExecutionList | undefined) =>
  list?.executions.some((execution) => isOpen(execution.status)) ?? false;

function Count({ pagination }: { pagination: Pagination }) {
  return <span className="count">{pagination.total_count.toLocaleString("en-GB")}</span>;
}

function Found({ list, filters, now }: { list: ExecutionList; filters: Filters; now: number }) {
  if (list.executions.length > 0) {
    return (
      <>
        <Table executions={list.executions} now={now} />
        <Pages pagination={list.pagination} />
      </>
    );
  }
  if (filters.page > 1) {
    return (
      <Notice title="This page is empty">
        <p>
          <Link href={withQuery({ page: null })}>To the first page</Link>
        </p>
      </Notice>
    );
  }
  if (filters.status || filters.pipeline) {
    return (
      <Notice title="No execution is like that">
        <p>
          <Link href={HOME}>Show all executions</Link>
        </p>
      </Notice>
    );
  }
  return (
    <Notice title="Nothing has been executed yet">
      <p>Write a definition, and run it; it will be listed here at once:</p>
      <pre>pipeline-engine run pipeline.json --watch</pre>
    </Notice>
  );
}

function Choices({ filters }: { filters: Filters }) {
  return (
    <div className="choices">
      <nav className="tabs" aria-label="State">
        {[null, ...EXECUTION_STATUSES].map((status) => (
          <Link
            key={status}
            href={withQuery({ status, page: null })}
            aria-current={filters.status === status ? "true" : undefined}
          >
            {status ? stateOfStatus(status).word : "All"}
          </Link>
        ))}
      </nav>
      <PipelineChoice chosen={filters.pipeline} />
    </div>
  );
}

interface NamedPipeline {
  id: string;
  name: string;
}

function PipelineChoice({ chosen }: { chosen: string | null }) {
  const { data } = useQuery({
    queryKey: ["pipeline names"],
    queryFn: ({ signal }) =>
      get<NamedPipeline[]>(
        "/pipelines?include_system=true&include_dag=false&page_size=100",
        signal,
      ),
    staleTime: 30_000,
  });
  const known = data?.some((pipeline) => pipeline.id === chosen);
  return (
    <label className="select">
      <span>Pipeline</span>
      <select
        value={chosen ?? ""}
        onChange={(event) => go(withQuery({ pipeline: event.target.value || null, page: null }))}
      >
        <option value="">all</option>
        {chosen && !known && <option value={chosen}>{chosen}</option>}
        {data?.map((pipeline) => (
          <option key={pipeline.id} value={pipeline.id}>
            {pipeline.name}
          </option>
        ))}
      </select>
    </label>
  );
}

function Pages({
  pagination: { page, page_size, total_count, total_pages },
}: {
  pagination: Pagination;
}) {
  const first = (page - 1) * page_size + 1;
  const last = Math.min(page * page_size, total_count);
  const to = (number: number) => withQuery({ page: number === 1 ? null : String(number) });
  return (
    <nav className="pages" aria-label="Pages of the list">
      <span>
        {first}–{last} of {total_count.toLocaleString("en-GB")}
      </span>
      {page > 1 && (
        <Link className="button" rel="prev" href={to(page - 1)}>
          Newer
        </Link>
      )}
      {page < total_pages && (
        <Link className="button" rel="next" href={to(page + 1)}>
          Older
        </Link>
      )}
    </nav>
  );
}

function Skeleton() {
  return (
    <div className="skeleton" role="status">
      <span className="unseen">Loading executions</span>
      {[..."12345678"].map((row) => (
        <i key={row} />
      ))}
    </div>
  );
}
