/** Schedules: what is due when, as a list and as a calendar. */

import { useState } from "react";
import { SCHEDULES } from "../addresses";
import { get } from "../api/client";
import type { ScheduleList } from "../api/types";
import { pageOf, pathWith, pipelineOf, wordOf } from "../parts/address";
import { Commands } from "../parts/Commands";
import { MAKE_SCHEDULE } from "../parts/commands";
import { Listed, NothingLikeThat } from "../parts/Listed";
import { Notice } from "../parts/Notice";
import { PageHead } from "../parts/PageHead";
import { Pager } from "../parts/Pager";
import { PipelineChoice } from "../parts/PipelineChoice";
import { useMay } from "../parts/rights";
import { Tabs } from "../parts/Tabs";
import { useNow } from "../parts/useNow";
import { usePolled } from "../parts/usePolled";
import { go, useQueryString } from "../router";
import { Calendar } from "./Calendar";
import { ScheduleForm } from "./ScheduleForm";
import { STATUSES, stateOfSchedule } from "./states";
import { Table } from "./Table";
import "./schedules.css";

const PAGE_SIZE = 50;

const VIEWS = [
  { value: null, word: "List" },
  { value: "calendar", word: "Calendar" },
];
const TABS = [
  { value: null, word: "All" },
  ...STATUSES.map((value) => ({ value, word: stateOfSchedule(value).word })),
];

export default function Schedules() {
  const query = useQueryString();
  const view = wordOf(query, "view", ["calendar"]);
  const may = useMay();
  const [making, make] = useState(false);
  return (
    <div className="list-page">
      <PageHead title="Schedules">
        <Tabs label="View" name="view" tabs={VIEWS} chosen={view} reset={["page", "day"]} />
        {may("schedules:write", "executions:run") && (
          <button type="button" className="main" onClick={() => make(true)}>
            New schedule
          </button>
        )}
      </PageHead>
      {view === "calendar" ? <Calendar query={query} /> : <List query={query} />}
      {making && (
        <ScheduleForm
          before={null}
          close={() => make(false)}
          saved={({ id }) => go(`${SCHEDULES}/${id}`)}
        />
      )}
    </div>
  );
}

function List({ query }: { query: URLSearchParams }) {
  const status = wordOf(query, "status", STATUSES);
  const pipeline = pipelineOf(query);
  const page = pageOf(query);
  const request = { status, pipeline_id: pipeline, page, page_size: PAGE_SIZE };
  const found = usePolled(["schedules", request], (signal) =>
    get<ScheduleList>(pathWith("/schedules", request), signal),
  );
  const now = useNow(true);
  return (
    <>
      <div className="choices">
        <Tabs label="Status" name="status" tabs={TABS} chosen={status} />
        <PipelineChoice chosen={pipeline} />
      </div>
      <Listed found={found} of="schedules">
        {({ schedules, pagination }) =>
          schedules.length === 0 ? (
            <None isChosen={status !== null || pipeline !== null || page > 1} />
          ) : (
            <>
              <Table schedules={schedules} now={now} />
              <Pager page={page} pageSize={PAGE_SIZE} total={pagination.total_count} />
            </>
          )
        }
      </Listed>
    </>
  );
}

function None({ isChosen }: { isChosen: boolean }) {
  if (isChosen) return <NothingLikeThat of="schedule" choices={["status", "pipeline", "page"]} />;
  return (
    <Notice title="No schedules yet">
      <p>A schedule starts a pipeline by the clock. Make one here, or type:</p>
      <Commands>{MAKE_SCHEDULE}</Commands>
    </Notice>
  );
}
