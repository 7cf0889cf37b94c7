/** Pipelines: what each did lately, when it runs next, and what can be done with it. */

import { useState } from "react";
import { NEW_PIPELINE } from "../addresses";
import { read } from "../api/client";
import type { ListedPipeline } from "../api/types";
import { Commands } from "../parts/Commands";
import { MAKE_PIPELINE } from "../parts/commands";
import { Listed, NothingLikeThat } from "../parts/Listed";
import { Notice } from "../parts/Notice";
import { PageHead } from "../parts/PageHead";
import { Pager } from "../parts/Pager";
import { useMay } from "../parts/rights";
import { Search } from "../parts/Search";
import { Tabs } from "../parts/Tabs";
import { useNow } from "../parts/useNow";
import { usePolled } from "../parts/usePolled";
import { Link, useQueryString } from "../router";
import { isOpen } from "../states";
import { type Filters, filtersOf, PAGE_SIZE, requestOf, STATUSES } from "./filters";
import { Import } from "./Import";
import { Table } from "./Table";
import "./pipelines.css";

/** Milliseconds between two looks: with something open, and without. */
const LIVE = 3_000;
const QUIET = 10_000;

export default function Pipelines() {
  const filters = filtersOf(useQueryString());
  const [importing, setImporting] = useState(false);
  const may = useMay();
  const found = usePolled(
    ["pipelines", filters],
    (signal) => read<ListedPipeline[]>(requestOf(filters), signal),
    (known) => (anyOpen(known?.value) ? LIVE : QUIET),
  );
  return (
    <div className="list-page">
      <PageHead
        title="Pipelines"
        count={found.data?.total}
        awaySince={found.data && found.error ? found.dataUpdatedAt : null}
      >
        {may("pipelines:write") && (
          <>
            <button type="button" onClick={() => setImporting(true)}>
              Import…
            </button>
            <Link className="button main" href={NEW_PIPELINE}>
              New pipeline
            </Link>
          </>
        )}
      </PageHead>
      <div className="choices">
        <Tabs label="Status" name="status" tabs={TABS} chosen={filters.status} />
        <Search label="Part of a name or description" />
      </div>
      <Listed found={found} of="pipelines">
        {({ value, total }) => <Found pipelines={value} total={total ?? 0} filters={filters} />}
      </Listed>
      {importing && <Import close={() => setImporting(false)} />}
    </div>
  );
}

const TABS = [
  { value: null, word: "All" },
  ...STATUSES.map((value) => ({ value, word: value.charAt(0) + value.slice(1).toLowerCase() })),
];

const anyOpen = (pipelines: ListedPipeline[] | undefined) =>
  pipelines?.some(({ recent }) => recent.some(({ status }) => isOpen(status))) ?? false;

interface FoundProps {
  pipelines: ListedPipeline[];
  total: number;
  filters: Filters;
}

function Found({ pipelines, total, filters }: FoundProps) {
  const now = useNow(true);
  if (pipelines.length > 0) {
    return (
      <>
        <Table pipelines={pipelines} now={now} />
        <Pager page={filters.page} pageSize={PAGE_SIZE} total={total} />
      </>
    );
  }
  if (filters.page > 1 || filters.q || filters.status) {
    return <NothingLikeThat of="pipeline" choices={["q", "status", "page"]} />;
  }
  return (
    <Notice title="No pipelines yet">
      <p>
        <Link href={NEW_PIPELINE}>Build one</Link>, import a definition, or type:
      </p>
      <Commands>{MAKE_PIPELINE}</Commands>
    </Notice>
  );
}
