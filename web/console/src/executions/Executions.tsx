/** Executions, newest first: which state, of what, since when, by whom, with which params. */

import { useState } from "react";
import { PIPELINES } from "../addresses";
import { get } from "../api/client";
import { serverNow } from "../api/clock";
import type { ExecutionList } from "../api/types";
import { Commands } from "../parts/Commands";
import { MAKE_PIPELINE } from "../parts/commands";
import { ExecutionTable } from "../parts/ExecutionTable";
import { Listed, NothingLikeThat } from "../parts/Listed";
import { Notice } from "../parts/Notice";
import { PageHead } from "../parts/PageHead";
import { Pager } from "../parts/Pager";
import { useMay } from "../parts/rights";
import { useNow } from "../parts/useNow";
import { usePolled } from "../parts/usePolled";
import { Link, useQueryString, withQuery } from "../router";
import { isOpen } from "../states";
import { FilterBar } from "./FilterBar";
import { type Filters, filtersOf, isNarrowed, NAMES, requestOf } from "./filters";
import { Selection } from "./Selection";
import "./executions.css";

/** Milliseconds between two looks: with something open, and without. */
const LIVE = 2_000;
const QUIET = 6_000;

export default function Executions() {
  const filters = filtersOf(useQueryString());
  const found = usePolled(
    ["executions", filters],
    (signal) => get<ExecutionList>(requestOf(filters, serverNow()), signal),
    (known) => (anyOpen(known) ? LIVE : QUIET),
  );
  return (
    <div className="list-page">
      <PageHead
        title="Executions"
        count={found.data?.pagination.total_count}
        awaySince={found.data && found.error ? found.dataUpdatedAt : null}
      />
      <FilterBar filters={filters} />
      <Listed found={found} of="executions">
        {(list) => <Found list={list} filters={filters} />}
      </Listed>
    </div>
  );
}

const anyOpen = (list: ExecutionList | undefined) =>
  list?.executions.some((execution) => isOpen(execution.status)) ?? false;

function Found({ list, filters }: { list: ExecutionList; filters: Filters }) {
  const now = useNow(true);
  const may = useMay();
  const query = useQueryString();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { executions, pagination } = list;
  if (executions.length === 0) return <Nothing page={filters.page} narrowed={isNarrowed(query)} />;
  const open = executions.filter(({ status }) => isOpen(status)).map(({ id }) => id);
  const choose = (id: string) =>
    setChosen(
      (known) => new Set(known.has(id) ? [...known].filter((one) => one !== id) : [...known, id]),
    );
  return (
    <>
      <Selection
        ids={open.filter((id) => chosen.has(id))}
        open={open}
        choose={(ids) => setChosen(new Set(ids))}
      />
      <ExecutionTable
        {...{ executions, now, choose }}
        chosen={may("executions:control") && open.length > 0 ? chosen : null}
      />
      <Pager
        page={pagination.page}
        pageSize={pagination.page_size}
        total={pagination.total_count}
      />
    </>
  );
}

function Nothing({ page, narrowed }: { page: number; narrowed: boolean }) {
  if (page > 1) {
    return (
      <Notice title="This page is empty">
        <p>
          <Link href={withQuery({ page: null })}>To the first page</Link>
        </p>
      </Notice>
    );
  }
  if (narrowed) return <NothingLikeThat of="execution" choices={NAMES} />;
  return (
    <Notice title="No executions yet">
      <p>
        Run one of your <Link href={PIPELINES}>pipelines</Link>, or type:
      </p>
      <Commands>{MAKE_PIPELINE}</Commands>
    </Notice>
  );
}
