/** Subscriptions: who is told of what happens, and how that goes. */

import { useState } from "react";
import { SUBSCRIPTIONS } from "../addresses";
import { get } from "../api/client";
import type { MadeSubscription, Subscription, SubscriptionList } from "../api/types";
import { pageOf, pathWith, pipelineOf, wordOf } from "../parts/address";
import { Commands } from "../parts/Commands";
import { MAKE_SUBSCRIPTION } from "../parts/commands";
import { type Column, DataTable } from "../parts/DataTable";
import { Listed, NothingLikeThat } from "../parts/Listed";
import { Notice } from "../parts/Notice";
import { PageHead } from "../parts/PageHead";
import { Pager } from "../parts/Pager";
import { PipelineChoice } from "../parts/PipelineChoice";
import { usePipelineName } from "../parts/pipelines";
import { useMay } from "../parts/rights";
import { Chip } from "../parts/State";
import { Tabs } from "../parts/Tabs";
import { Time } from "../parts/Time";
import { useNow } from "../parts/useNow";
import { usePolled } from "../parts/usePolled";
import { useQueryString } from "../router";
import { NewSecret, nameOf, PauseOrResume } from "./Acts";
import { SubscriptionForm } from "./SubscriptionForm";
import { addressOf, eventsOf, STATUSES, stateOfSubscription } from "./states";
import "./subscriptions.css";

const PAGE_SIZE = 50;
const TABS = [
  { value: null, word: "All" },
  ...STATUSES.map((value) => ({ value, word: stateOfSubscription(value).word })),
];

export default function Subscriptions() {
  const query = useQueryString();
  const may = useMay();
  const [making, make] = useState(false);
  const [made, setMade] = useState<MadeSubscription | null>(null);
  const status = wordOf(query, "status", STATUSES);
  const pipeline = pipelineOf(query);
  const page = pageOf(query);
  const request = { status, pipeline_id: pipeline, page, page_size: PAGE_SIZE };
  const found = usePolled(["subscriptions", request], (signal) =>
    get<SubscriptionList>(pathWith("/subscriptions", request), signal),
  );
  return (
    <div className="list-page">
      <PageHead
        title="Subscriptions"
        count={found.data?.pagination.total_count}
        awaySince={found.data && found.error ? found.dataUpdatedAt : null}
      >
        {may("subscriptions:write", "executions:read") && (
          <button type="button" className="main" onClick={() => make(true)}>
            New subscription
          </button>
        )}
      </PageHead>
      <div className="choices">
        <Tabs label="Status" name="status" tabs={TABS} chosen={status} />
        <PipelineChoice chosen={pipeline} />
      </div>
      <Listed found={found} of="subscriptions">
        {({ subscriptions, pagination }) =>
          subscriptions.length === 0 ? (
            <None isChosen={status !== null || pipeline !== null || page > 1} />
          ) : (
            <>
              <Table subscriptions={subscriptions} />
              <Pager page={page} pageSize={PAGE_SIZE} total={pagination.total_count} />
            </>
          )
        }
      </Listed>
      {making && <SubscriptionForm before={null} close={() => make(false)} saved={setMade} />}
      {made && <NewSecret subscription={made} close={() => setMade(null)} />}
    </div>
  );
}

function None({ isChosen }: { isChosen: boolean }) {
  if (isChosen) {
    return <NothingLikeThat of="subscription" choices={["status", "pipeline", "page"]} />;
  }
  return (
    <Notice title="No subscriptions yet">
      <p>A subscription tells a URL, Redis or Dapr what executions do. Make one, or type:</p>
      <Commands>{MAKE_SUBSCRIPTION}</Commands>
    </Notice>
  );
}

function Table({ subscriptions }: { subscriptions: Subscription[] }) {
  const now = useNow(true);
  const columns: Column<Subscription>[] = [
    {
      head: "Subscription",
      names: true,
      cell: (one) => (
        <>
          {nameOf(one)}
          <span className="sub">{addressOf(one)}</span>
        </>
      ),
    },
    {
      head: "Status",
      width: "120px",
      cell: ({ status }) => <Chip state={stateOfSubscription(status)} />,
    },
    { head: "Events", width: "26%", card: "line", cell: (one) => <Of subscription={one} /> },
    { head: "Messages", width: "140px", card: "line", cell: (one) => <Counts of={one} /> },
    {
      head: "Last sent",
      width: "110px",
      card: "label",
      cell: ({ last_sent_at }) =>
        last_sent_at ? <Time at={last_sent_at} now={now} relative /> : "never",
    },
    {
      head: "Control",
      width: "110px",
      card: "line",
      cell: (one) => <PauseOrResume subscription={one} />,
    },
  ];
  return (
    <DataTable
      label="Subscriptions"
      columns={columns}
      rows={subscriptions}
      keyOf={({ id }) => id}
      hrefOf={({ id }) => `${SUBSCRIPTIONS}/${id}`}
    />
  );
}

export function Of({ subscription }: { subscription: Subscription }) {
  const pipelineName = usePipelineName();
  const { reach, pipeline_id, execution_id } = subscription;
  return (
    <>
      {reach === "pipeline" && pipelineName(pipeline_id)}
      {reach === "execution" && <span className="id">{execution_id}</span>}
      {reach === "owner" && "all executions"}
      <span className="sub">{eventsOf(subscription)}</span>
    </>
  );
}

function Counts({ of: { waiting, dead, failures } }: { of: Subscription }) {
  if (waiting === 0 && dead === 0) return <span className="muted">none waits</span>;
  return (
    <>
      {waiting > 0 && `${waiting} waiting`}
      {waiting > 0 && dead > 0 && ", "}
      {dead > 0 && <span className="failure">{dead} given up</span>}
      {failures > 0 && <span className="sub">{failures} tries failed</span>}
    </>
  );
}
