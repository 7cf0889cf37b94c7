/** What came in and was accepted, and what became of it. */

import { useQuery } from "@tanstack/react-query";
import { EXECUTIONS } from "../addresses";
import { get } from "../api/client";
import { print } from "../api/json";
import type { Webhook, WebhookDelivery, WebhookDeliveryList } from "../api/types";
import { pageOf, pathWith, wordOf } from "../parts/address";
import { CodeBlock } from "../parts/CodeBlock";
import { type Column, DataTable } from "../parts/DataTable";
import { Dialog, DialogButtons } from "../parts/Dialog";
import { Facts, Section } from "../parts/Facts";
import { Listed, NothingLikeThat } from "../parts/Listed";
import { Failure } from "../parts/Notice";
import { Pager } from "../parts/Pager";
import { Chip } from "../parts/State";
import { Tabs } from "../parts/Tabs";
import { Dated, Time } from "../parts/Time";
import { usePolled } from "../parts/usePolled";
import { go, Link, useQueryString, withQuery } from "../router";
import { OUTCOMES, stateOfDelivery } from "./states";

const PAGE_SIZE = 25;
const TABS = [
  { value: null, word: "All" },
  ...OUTCOMES.map((value) => ({ value, word: stateOfDelivery(value).word })),
];

export function Deliveries({ webhook, now }: { webhook: Webhook; now: number }) {
  const query = useQueryString();
  const outcome = wordOf(query, "outcome", OUTCOMES);
  const page = pageOf(query);
  const chosen = query.get("delivery");
  const request = { outcome, page, page_size: PAGE_SIZE };
  const path = `/webhooks/${webhook.id}/deliveries`;
  const found = usePolled(["webhook", webhook.id, "deliveries", request], (signal) =>
    get<WebhookDeliveryList>(pathWith(path, request), signal),
  );
  return (
    <Section title="Deliveries">
      <Tabs
        label="Outcome"
        name="outcome"
        tabs={TABS}
        chosen={outcome}
        reset={["page", "delivery"]}
      />
      <Listed found={found} of="deliveries">
        {({ deliveries, pagination }) =>
          deliveries.length === 0 ? (
            <None isChosen={outcome !== null || page > 1} />
          ) : (
            <>
              <Table deliveries={deliveries} now={now} />
              <Pager page={page} pageSize={PAGE_SIZE} total={pagination.total_count} />
            </>
          )
        }
      </Listed>
      {chosen && (
        <DeliveryDialog
          request={pathWith(path, { ...request, include_body: "true" })}
          id={chosen}
          now={now}
          close={() => go(withQuery({ delivery: null }))}
        />
      )}
    </Section>
  );
}

function None({ isChosen }: { isChosen: boolean }) {
  if (isChosen) return <NothingLikeThat of="delivery" choices={["outcome", "page"]} />;
  return (
    <p className="panel muted">
      Nothing has come in yet. What is not let in has no line here; the audit log has it.
    </p>
  );
}

function Table({ deliveries, now }: { deliveries: WebhookDelivery[]; now: number }) {
  const columns: Column<WebhookDelivery>[] = [
    {
      head: "Received",
      names: true,
      width: "150px",
      cell: ({ received_at }) => <Dated at={received_at} now={now} />,
    },
    {
      head: "Outcome",
      width: "150px",
      cell: ({ outcome, test }) => (
        <>
          <Chip state={stateOfDelivery(outcome)} />
          {test && <span className="sub">a test</span>}
        </>
      ),
    },
    { head: "Because", card: "line", cell: (one) => <Because of={one} /> },
    {
      head: "Key",
      card: "line",
      cell: ({ key, duplicates, conflicts }) => (
        <>
          <span className="id">{key}</span>
          {(duplicates > 0 || conflicts > 0) && (
            <span className="sub">
              {duplicates} sent again{conflicts > 0 && `, ${conflicts} with another body`}
            </span>
          )}
        </>
      ),
    },
    {
      head: "From",
      width: "150px",
      card: "label",
      cell: ({ address, form }) => (
        <>
          {address ?? "–"}
          {form && <span className="sub">proved by {form}</span>}
        </>
      ),
    },
    {
      head: "Execution",
      width: "130px",
      cell: ({ execution_id, execution_status }) =>
        execution_status && (
          <Link className="plain-link" href={`${EXECUTIONS}/${execution_id}`}>
            {execution_status.toLowerCase()}
          </Link>
        ),
    },
  ];
  return (
    <DataTable
      label="Deliveries"
      columns={columns}
      rows={deliveries}
      keyOf={({ id }) => id}
      hrefOf={({ id }) => withQuery({ delivery: id })}
    />
  );
}

function Because({ of: { code, message } }: { of: WebhookDelivery }) {
  if (!code) return null;
  return (
    <>
      <span className="failure">{message}</span>
      <span className="sub">{code}</span>
    </>
  );
}

/** The request as it came, without what looks like a secret; bodies are fetched only here. */
function DeliveryDialog({
  request,
  id,
  now,
  close,
}: {
  request: string;
  id: string;
  now: number;
  close: () => void;
}) {
  const found = useQuery({
    queryKey: ["webhook delivery", request, id],
    queryFn: async ({ signal }) => {
      const { deliveries } = await get<WebhookDeliveryList>(request, signal);
      return deliveries.find((one) => one.id === id) ?? null;
    },
  });
  return (
    <Dialog wide title={`Delivery ${id}`} close={close} submit={close}>
      {found.error ? (
        <Failure error={found.error} />
      ) : found.data === undefined ? (
        <p>Loading…</p>
      ) : found.data === null ? (
        <p>It is not on this page of the list any more.</p>
      ) : (
        <Request delivery={found.data} now={now} />
      )}
      <DialogButtons>
        <button type="submit">Close</button>
      </DialogButtons>
    </Dialog>
  );
}

function Request({ delivery, now }: { delivery: WebhookDelivery; now: number }) {
  const { received_at, settled_at, sent_at, body, headers, query } = delivery;
  const at = (value: string | null) => value && <Time at={value} now={now} />;
  return (
    <>
      <Facts
        facts={[
          ["Outcome", <Chip key="outcome" state={stateOfDelivery(delivery.outcome)} />],
          ["Received", at(received_at)],
          ["Sent", at(sent_at)],
          ["Settled", at(settled_at)],
          ["From", delivery.address],
          ["Proved by", delivery.form],
          [
            "Key",
            delivery.key && (
              <span key="key" className="id">
                {delivery.key}
              </span>
            ),
          ],
          ["Content type", delivery.content_type],
          [
            "Execution",
            delivery.execution_status && (
              <Link
                key="execution"
                className="plain-link"
                href={`${EXECUTIONS}/${delivery.execution_id}`}
              >
                {delivery.execution_status.toLowerCase()}
              </Link>
            ),
          ],
        ]}
      />
      {delivery.code && (
        <p className="failure">
          <code>{delivery.code}</code> {delivery.message}
        </p>
      )}
      <CodeBlock word="Headers" text={print(headers)} />
      {Object.keys(query).length > 0 && <CodeBlock word="Query" text={print(query)} />}
      <CodeBlock word="Body" text={body ?? "not kept"} />
    </>
  );
}
