/** Event triggers: which events start what. */

import { useState } from "react";
import { TRIGGER } from "../addresses";
import { read } from "../api/client";
import type { EventTrigger } from "../api/types";
import { pageOf, pathWith, pipelineOf, wordOf } from "../parts/address";
import { Commands } from "../parts/Commands";
import { MAKE_TRIGGER } from "../parts/commands";
import { type Column, DataTable } from "../parts/DataTable";
import { ENABLED_TABS, stateOfEnabled } from "../parts/enabled";
import { Listed, NothingLikeThat } from "../parts/Listed";
import { Notice } from "../parts/Notice";
import { Pager } from "../parts/Pager";
import { PipelineChoice } from "../parts/PipelineChoice";
import { useMay } from "../parts/rights";
import { Chip } from "../parts/State";
import { Tabs } from "../parts/Tabs";
import { Time } from "../parts/Time";
import { useNow } from "../parts/useNow";
import { usePolled } from "../parts/usePolled";
import { go, useQueryString } from "../router";
import { Enable } from "./Acts";
import { EventFilter } from "./EventFilter";
import { TriggerForm } from "./TriggerForm";
import "./triggers.css";

const PAGE_SIZE = 50;

export function Triggers() {
  const query = useQueryString();
  const may = useMay();
  const [making, make] = useState(false);
  const enabled = wordOf(query, "enabled", ["true", "false"]);
  const pipeline = pipelineOf(query);
  const page = pageOf(query);
  const request = { enabled, pipeline_id: pipeline, page, page_size: PAGE_SIZE };
  const found = usePolled(["triggers", request], (signal) =>
    read<EventTrigger[]>(pathWith("/event-triggers", request), signal),
  );
  return (
    <>
      <div className="choices">
        <Tabs label="Enabled" name="enabled" tabs={ENABLED_TABS} chosen={enabled} />
        <div className="choices-end">
          <PipelineChoice chosen={pipeline} />
          {may("event-triggers:write", "executions:run") && (
            <button type="button" className="main" onClick={() => make(true)}>
              New trigger
            </button>
          )}
        </div>
      </div>
      <Listed found={found} of="event triggers">
        {({ value: triggers, total }) =>
          triggers.length === 0 ? (
            <None isChosen={enabled !== null || pipeline !== null || page > 1} />
          ) : (
            <>
              <Table triggers={triggers} />
              <Pager page={page} pageSize={PAGE_SIZE} total={total ?? triggers.length} />
            </>
          )
        }
      </Listed>
      {making && (
        <TriggerForm
          before={null}
          close={() => make(false)}
          saved={({ id }) => go(`${TRIGGER}/${id}`)}
        />
      )}
    </>
  );
}

function None({ isChosen }: { isChosen: boolean }) {
  if (isChosen) return <NothingLikeThat of="trigger" choices={["enabled", "pipeline", "page"]} />;
  return (
    <Notice title="No event triggers yet">
      <p>An event trigger starts a pipeline for each event of a type. Make one, or type:</p>
      <Commands>{MAKE_TRIGGER}</Commands>
    </Notice>
  );
}

function Table({ triggers }: { triggers: EventTrigger[] }) {
  const now = useNow(true);
  const columns: Column<EventTrigger>[] = [
    {
      head: "Trigger",
      names: true,
      cell: ({ name, pipeline_name }) => (
        <>
          {name}
          <span className="sub">{pipeline_name ?? "its pipeline is gone"}</span>
        </>
      ),
    },
    { head: "Status", width: "120px", cell: (one) => <Chip state={stateOfEnabled(one)} /> },
    {
      head: "Events",
      width: "38%",
      card: "line",
      cell: ({ config }) => <EventFilter config={config} />,
    },
    {
      head: "Last",
      width: "110px",
      card: "label",
      cell: ({ last_triggered_at }) =>
        last_triggered_at ? <Time at={last_triggered_at} now={now} relative /> : "never",
    },
    {
      head: "Fired",
      width: "80px",
      number: true,
      cell: ({ trigger_count }) => trigger_count.toLocaleString("en-GB"),
    },
    { head: "Control", width: "110px", card: "line", cell: (one) => <Enable trigger={one} /> },
  ];
  return (
    <DataTable
      label="Event triggers"
      columns={columns}
      rows={triggers}
      keyOf={({ id }) => id}
      hrefOf={({ id }) => `${TRIGGER}/${id}`}
    />
  );
}
