import { useState } from "react";
import { WEBHOOKS } from "../addresses";
import { read } from "../api/client";
import type { MadeWebhook, Webhook } from "../api/types";
import { pageOf, pathWith, pipelineOf, wordOf } from "../parts/address";
import { Commands } from "../parts/Commands";
import { CopyButton } from "../parts/CopyButton";
import { MAKE_WEBHOOK } from "../parts/commands";
import { type Column, DataTable } from "../parts/DataTable";
import { ENABLED_TABS, stateOfEnabled } from "../parts/enabled";
import { Listed, NothingLikeThat } from "../parts/Listed";
import { Notice } from "../parts/Notice";
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
import { Enable } from "./Acts";
import { NewSecrets } from "./Secrets";
import { WebhookForm } from "./WebhookForm";

const PAGE_SIZE = 50;

export function List() {
  const query = useQueryString();
  const may = useMay();
  const [making, make] = useState(false);
  const [made, setMade] = useState<MadeWebhook | null>(null);
  const enabled = wordOf(query, "enabled", ["true", "false"]);
  const pipeline = pipelineOf(query);
  const page = pageOf(query);
  const request = { enabled, pipeline_id: pipeline, page, page_size: PAGE_SIZE };
  const found = usePolled(["webhooks", request], (signal) =>
    read<Webhook[]>(pathWith("/webhooks", request), signal),
  );
  return (
    <>
      <div className="choices">
        <Tabs label="Enabled" name="enabled" tabs={ENABLED_TABS} chosen={enabled} />
        <div className="choices-end">
          <PipelineChoice chosen={pipeline} />
          {may("webhooks:write", "executions:run") && (
            <button type="button" className="main" onClick={() => make(true)}>
              New webhook
            </button>
          )}
        </div>
      </div>
      <Listed found={found} of="webhooks">
        {({ value: webhooks, total }) =>
          webhooks.length === 0 ? (
            <None isChosen={enabled !== null || pipeline !== null || page > 1} />
          ) : (
            <>
              <Table webhooks={webhooks} />
              <Pager page={page} pageSize={PAGE_SIZE} total={total ?? webhooks.length} />
            </>
          )
        }
      </Listed>
      {making && <WebhookForm before={null} close={() => make(false)} saved={setMade} />}
      {made && <NewSecrets webhook={made} close={() => setMade(null)} />}
    </>
  );
}

function None({ isChosen }: { isChosen: boolean }) {
  if (isChosen) return <NothingLikeThat of="webhook" choices={["enabled", "pipeline", "page"]} />;
  return (
    <Notice title="No webhooks yet">
      <p>
        A webhook is an address that a third party calls to start a pipeline. Make one, or type:
      </p>
      <Commands>{MAKE_WEBHOOK}</Commands>
    </Notice>
  );
}

function Table({ webhooks }: { webhooks: Webhook[] }) {
  const now = useNow(true);
  const nameOf = usePipelineName();
  const columns: Column<Webhook>[] = [
    {
      head: "Webhook",
      names: true,
      cell: ({ name, pipeline_id }) => (
        <>
          {name}
          <span className="sub">{nameOf(pipeline_id)}</span>
        </>
      ),
    },
    { head: "Status", width: "120px", cell: (one) => <Chip state={stateOfEnabled(one)} /> },
    {
      head: "Address",
      width: "36%",
      card: "line",
      cell: ({ endpoint_url }) => (
        <span className="webhook-address">
          <code title={endpoint_url}>{endpoint_url}</code>
          <CopyButton text={endpoint_url}>Copy</CopyButton>
        </span>
      ),
    },
    {
      head: "Last",
      width: "110px",
      card: "label",
      cell: ({ last_triggered_at }) =>
        last_triggered_at ? <Time at={last_triggered_at} now={now} relative /> : "never",
    },
    {
      head: "Started",
      width: "86px",
      number: true,
      cell: ({ trigger_count }) => trigger_count.toLocaleString("en-GB"),
    },
    { head: "Control", width: "110px", card: "line", cell: (one) => <Enable webhook={one} /> },
  ];
  return (
    <DataTable
      label="Webhooks"
      columns={columns}
      rows={webhooks}
      keyOf={({ id }) => id}
      hrefOf={({ id }) => `${WEBHOOKS}/${id}`}
    />
  );
}
