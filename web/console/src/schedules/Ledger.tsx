/** What became of each due time of a schedule, the newest first. */

import { useState } from "react";
import { get } from "../api/client";
import type { Fire, FireList, Schedule } from "../api/types";
import { pageOf, pathWith, wordOf } from "../parts/address";
import { type Column, DataTable } from "../parts/DataTable";
import { ExecutionLink } from "../parts/ExecutionLink";
import { Section } from "../parts/Facts";
import { Listed, NothingLikeThat } from "../parts/Listed";
import { Pager } from "../parts/Pager";
import { useMay } from "../parts/rights";
import { Chip } from "../parts/State";
import { Tabs } from "../parts/Tabs";
import { Dated } from "../parts/Time";
import { usePolled } from "../parts/usePolled";
import { useQueryString } from "../router";
import { duration } from "../time";
import { Backfill } from "./Backfill";
import { BECAUSE, ORIGINS, OUTCOMES, stateOfFire } from "./states";

const PAGE_SIZE = 25;
const TABS = [
  { value: null, word: "All" },
  ...OUTCOMES.map((value) => ({ value, word: stateOfFire(value).word })),
];

export function Ledger({ schedule, now }: { schedule: Schedule; now: number }) {
  const query = useQueryString();
  const may = useMay();
  const [filling, fill] = useState(false);
  const outcome = wordOf(query, "outcome", OUTCOMES);
  const page = pageOf(query);
  const request = { outcome, page, page_size: PAGE_SIZE };
  const found = usePolled(["schedule", schedule.id, "fires", request], (signal) =>
    get<FireList>(pathWith(`/schedules/${schedule.id}/fires`, request), signal),
  );
  const backfill = may("schedules:control", "executions:run") && schedule.pipeline_id && (
    <button type="button" onClick={() => fill(true)}>
      Backfill
    </button>
  );
  return (
    <Section title="Ledger" tools={backfill}>
      <Tabs label="Outcome" name="outcome" tabs={TABS} chosen={outcome} />
      <Listed found={found} of="due times">
        {({ fires, pagination }) =>
          fires.length === 0 ? (
            <None isChosen={outcome !== null || page > 1} />
          ) : (
            <>
              <Fires fires={fires} now={now} />
              <Pager page={page} pageSize={PAGE_SIZE} total={pagination.total_count} />
            </>
          )
        }
      </Listed>
      {filling && <Backfill schedule={schedule} close={() => fill(false)} />}
    </Section>
  );
}

function None({ isChosen }: { isChosen: boolean }) {
  if (isChosen) return <NothingLikeThat of="due time" choices={["outcome", "page"]} />;
  return <p className="panel muted">Nothing was due yet. Each due time will have a line here.</p>;
}

function Fires({ fires, now }: { fires: Fire[]; now: number }) {
  const columns: Column<Fire>[] = [
    {
      head: "Due",
      names: true,
      cell: ({ due_at, until_at, count }) => (
        <>
          <Dated at={due_at} now={now} />
          {count > 1 && (
            <span className="sub">
              and {count - 1} more{until_at && " until "}
              {until_at && <Dated at={until_at} now={now} />}
            </span>
          )}
        </>
      ),
    },
    {
      head: "Outcome",
      width: "140px",
      cell: ({ outcome }) => <Chip state={stateOfFire(outcome)} />,
    },
    {
      head: "Because",
      card: "line",
      cell: ({ reason }) => reason && (BECAUSE[reason] ?? <code>{reason}</code>),
    },
    {
      head: "Execution",
      card: "line",
      cell: ({ execution_id }) => <ExecutionLink id={execution_id} />,
    },
    {
      head: "Late",
      width: "90px",
      number: true,
      cell: ({ late_seconds }) => duration(Number(late_seconds) * 1_000),
    },
    { head: "By", width: "110px", card: "label", cell: ({ origin }) => ORIGINS[origin] ?? origin },
  ];
  return (
    <DataTable
      label="Due times"
      columns={columns}
      rows={fires}
      keyOf={({ due_at, origin }) => `${due_at} ${origin}`}
    />
  );
}
