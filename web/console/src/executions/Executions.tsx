/** Executions, newest first: which state, of what, since when, by whom. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { get } from "../api/client";
import type { ExecutionList } from "../api/types";
import { Failure, Notice } from "../parts/Notice";
import { useNow } from "../parts/now";
import { PageHead } from "../parts/PageHead";
import { Pager } from "../parts/Pager";
import { Skeleton } from "../parts/Skeleton";
import { Tabs } from "../parts/Tabs";
import { EXECUTIONS, go, Link, useQueryString, withQuery } from "../router";
import { EXECUTION_STATUSES, isOpen, stateOfStatus } from "../states";
import { type Filters, filtersOf, requestOf } from "./filters";
import { Table } from "./Table";
import "./executions.css";

/** Milliseconds between two looks: with something open, and without. */
const LIVE = 2_000;
const QUIET = 6_000;

export default function Executions() {
  const filters = filtersOf(useQueryString());
  const found = useQuery({
    queryKey: ["executions", filters],
    queryFn: ({ signal }) => get<ExecutionList>(requestOf(filters), signal),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (anyOpen(state.data) ? LIVE : QUIET),
  });
  const now = useNow(true);
  return (
    <div className="list-page">
      <PageHead
        title="Executions"
        count={found.data?.pagination.total_count}
        awaySince={found.data && found.error ? found.dataUpdatedAt : null}
      />
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
          <Skeleton of="executions" />
        )}
      </div>
    </div>
  );
}

const anyOpen = (list: ExecutionList | undefined) =>
  list?.executions.some((execution) => isOpen(execution.status)) ?? false;

function Found({ list, filters, now }: { list: ExecutionList; filters: Filters; now: number }) {
  if (list.executions.length > 0) {
    return (
      <>
        <Table executions={list.executions} now={now} />
        <Pager
          page={list.pagination.page}
          pageSize={list.pagination.page_size}
          total={list.pagination.total_count}
        />
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
          <Link href={EXECUTIONS}>Show all executions</Link>
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
      <Tabs label="State" name="status" tabs={STATES} chosen={filters.status} />
      <PipelineChoice chosen={filters.pipeline} />
    </div>
  );
}

const STATES = [
  { value: null, word: "All" },
  ...EXECUTION_STATUSES.map((value) => ({ value, word: stateOfStatus(value).word })),
];

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
