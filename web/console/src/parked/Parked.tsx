/** What waits for the world, the oldest first: for what, since when, until when; approvals are answered here. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { get } from "../api/client";
import type { ApprovalList, Pagination, ParkedList } from "../api/types";
import { AnswerDialog } from "../approvals/AnswerDialog";
import { askedOf, sayKey, type Waiting, waitingOf } from "../approvals/waiting";
import { Listed, NothingLikeThat } from "../parts/Listed";
import { Notice } from "../parts/Notice";
import { PageHead } from "../parts/PageHead";
import { Pager } from "../parts/Pager";
import { PipelineChoice } from "../parts/PipelineChoice";
import { Tabs } from "../parts/Tabs";
import { useNow } from "../parts/useNow";
import { usePolled } from "../parts/usePolled";
import { Link, useQueryString, withQuery } from "../router";
import { asksForApprovals, type Filters, filtersOf, requestOf, TABS } from "./filters";
import { Table } from "./Table";
import "./parked.css";

/** Milliseconds between two looks. */
const LIVE = 3_000;

interface Found {
  waiting: Waiting[];
  pagination: Pagination;
}

async function find(filters: Filters, signal: AbortSignal): Promise<Found> {
  const request = requestOf(filters);
  if (asksForApprovals(filters)) {
    const { approvals, pagination } = await get<ApprovalList>(request, signal);
    return { waiting: approvals.map(askedOf), pagination };
  }
  const { parked, pagination } = await get<ParkedList>(request, signal);
  return { waiting: parked.map(waitingOf), pagination };
}

/** What one is about to say, and to which step. */
interface Asked {
  key: string;
  approved: boolean;
}

export default function Parked() {
  const filters = filtersOf(useQueryString());
  const found = usePolled(["parked", filters], (signal) => find(filters, signal), LIVE);
  const now = useNow(true);
  const [asking, ask] = useState<Asked | null>(null);
  const [answered, setAnswered] = useState<ReadonlyMap<string, boolean>>(new Map());
  return (
    <div className="list-page">
      <PageHead
        title="Parked"
        count={found.data?.pagination.total_count}
        awaySince={found.data && found.error ? found.dataUpdatedAt : null}
      />
      <div className="choices">
        <Tabs label="Waits for" name="kind" tabs={TABS} chosen={filters.kind} />
        <PipelineChoice chosen={filters.pipeline} />
      </div>
      {filters.kind === null && filters.pipeline === null && <AskedByOthers />}
      <Listed found={found} of="parked steps">
        {({ waiting, pagination }) =>
          waiting.length === 0 ? (
            <None filters={filters} />
          ) : (
            <>
              <Table
                waiting={waiting}
                now={now}
                answered={answered}
                ask={(key, approved) => ask({ key, approved })}
              />
              <Pager
                page={pagination.page}
                pageSize={pagination.page_size}
                total={pagination.total_count}
                words={["Older", "Newer"]}
              />
            </>
          )
        }
      </Listed>
      {asking && (
        <AnswerDialog
          waiting={found.data?.waiting.find(({ key }) => key === asking.key) ?? null}
          approved={asking.approved}
          close={() => ask(null)}
          answered={(waiting) =>
            setAnswered(new Map(answered).set(sayKey(waiting), asking.approved))
          }
        />
      )}
    </div>
  );
}

/** Approvals in executions of others stand in a list of their own; who is asked has to hear of them. */
function AskedByOthers() {
  const totals = useQuery({
    queryKey: ["parked", "approvals of others"],
    queryFn: async ({ signal }) => {
      const [all, own] = await Promise.all([
        get<ApprovalList>("/approvals?page_size=1", signal),
        get<ParkedList>("/parked?kind=approval&page_size=1", signal),
      ]);
      return all.pagination.total_count - own.pagination.total_count;
    },
    refetchInterval: 5 * LIVE,
  });
  const others = totals.data ?? 0;
  if (others <= 0) return null;
  return (
    <p className="asked-by-others" role="status">
      {others === 1 ? "One more step asks" : `${others} more steps ask`} you in executions of
      others. <Link href={withQuery({ kind: "approval", page: null })}>Show all approvals</Link>
    </p>
  );
}

function None({ filters }: { filters: Filters }) {
  if (filters.kind || filters.pipeline || filters.page > 1) {
    return <NothingLikeThat of="parked step" choices={["kind", "pipeline", "page"]} />;
  }
  return (
    <Notice title="Nothing is parked">
      <p>
        Steps that wait for a person, an event, a callback, another execution or the clock are
        listed here. They hold no worker. This one waits for a yes:
      </p>
      <pre>{'{"id": "sign_off", "name": "Sign off", "action": "approval"}'}</pre>
    </Notice>
  );
}
