import { EXECUTIONS } from "../addresses";
import { get } from "../api/client";
import type { ExecutionList, Pipeline } from "../api/types";
import { Commands } from "../parts/Commands";
import { ExecutionTable } from "../parts/ExecutionTable";
import { Listed } from "../parts/Listed";
import { Notice } from "../parts/Notice";
import { Pager, pageOf } from "../parts/Pager";
import { quoted } from "../parts/shell";
import { useNow } from "../parts/useNow";
import { usePolled } from "../parts/usePolled";
import { Link, useQueryString } from "../router";
import { isOpen } from "../states";

const PAGE_SIZE = 25;
/** Milliseconds between two looks: with something open, and without. */
const LIVE = 2_000;
const QUIET = 6_000;

/** The executions of one pipeline, of all its revisions. */
export function Executions({ pipeline }: { pipeline: Pipeline }) {
  const page = pageOf(useQueryString());
  const now = useNow(true);
  const found = usePolled(
    ["executions", "of", pipeline.id, page],
    (signal) =>
      get<ExecutionList>(
        `/executions?pipeline_id=${pipeline.id}&page=${page}&page_size=${PAGE_SIZE}`,
        signal,
      ),
    (known) => (known?.executions.some(({ status }) => isOpen(status)) ? LIVE : QUIET),
  );
  return (
    <Listed found={found} of="executions">
      {({ executions, pagination }) =>
        executions.length === 0 ? (
          <Notice title={page > 1 ? "This page is empty" : "No executions yet"}>
            <p>Run it here, or type:</p>
            <Commands>{`pipeline-engine run ${quoted(pipeline.name)} --watch`}</Commands>
          </Notice>
        ) : (
          <>
            <ExecutionTable
              executions={executions}
              now={now}
              chosen={null}
              choose={() => undefined}
            />
            <div className="below-table">
              <Link href={`${EXECUTIONS}?pipeline=${pipeline.id}`}>Search among them</Link>
              <Pager
                page={pagination.page}
                pageSize={pagination.page_size}
                total={pagination.total_count}
              />
            </div>
          </>
        )
      }
    </Listed>
  );
}
