/** What came from outside: first what no step has taken, which can be offered again. */

import { TRIGGER } from "../addresses";
import { get, post } from "../api/client";
import { print } from "../api/json";
import type { Delivery, DeliveryList } from "../api/types";
import { ActButton } from "../parts/ActButton";
import { pageOf, pathWith, wordOf } from "../parts/address";
import { CodeBlock } from "../parts/CodeBlock";
import { type Column, DataTable } from "../parts/DataTable";
import { Dialog, DialogButtons } from "../parts/Dialog";
import { ExecutionLink } from "../parts/ExecutionLink";
import { Facts } from "../parts/Facts";
import { Listed } from "../parts/Listed";
import { Notice } from "../parts/Notice";
import { Pager } from "../parts/Pager";
import { useMay } from "../parts/rights";
import { Chip } from "../parts/State";
import { Tabs } from "../parts/Tabs";
import { Dated, Time } from "../parts/Time";
import { useNow } from "../parts/useNow";
import { usePolled } from "../parts/usePolled";
import { go, Link, useQueryString, withQuery } from "../router";
import { DISPOSITIONS, stateOfDisposition, stateOfFiring } from "./states";
import "./triggers.css";

const PAGE_SIZE = 25;
/** The first is what one comes here for. */
const TABS = [
  ...DISPOSITIONS.map((value) => ({
    value: value === "unmatched" ? null : value,
    word: stateOfDisposition(value).word,
  })),
  { value: "all", word: "All" },
];

export function Deliveries() {
  const query = useQueryString();
  const chosen = wordOf(query, "disposition", [...DISPOSITIONS, "all"]);
  const page = pageOf(query);
  const disposition = chosen === "all" ? null : (chosen ?? "unmatched");
  const request = { disposition, page, page_size: PAGE_SIZE };
  const found = usePolled(["deliveries", request], (signal) =>
    get<DeliveryList>(pathWith("/deliveries", request), signal),
  );
  const now = useNow(true);
  const one = found.data?.deliveries.find(({ id }) => id === query.get("delivery"));
  return (
    <>
      <div className="choices">
        <Tabs
          label="What became of it"
          name="disposition"
          tabs={TABS}
          chosen={chosen}
          reset={["page", "delivery"]}
        />
      </div>
      <Listed found={found} of="deliveries">
        {({ deliveries, pagination }) =>
          deliveries.length === 0 ? (
            <Notice title="No deliveries">
              <p>
                Events and callbacks that no step has taken while they were kept are listed here. An
                event trigger may have fired all the same.
              </p>
            </Notice>
          ) : (
            <>
              <Table deliveries={deliveries} now={now} />
              <Pager page={page} pageSize={PAGE_SIZE} total={pagination.total_count} />
            </>
          )
        }
      </Listed>
      {one && (
        <DeliveryDialog delivery={one} now={now} close={() => go(withQuery({ delivery: null }))} />
      )}
    </>
  );
}

function Table({ deliveries, now }: { deliveries: Delivery[]; now: number }) {
  const columns: Column<Delivery>[] = [
    {
      head: "Received",
      names: true,
      width: "150px",
      cell: ({ received_at }) => <Dated at={received_at} now={now} />,
    },
    {
      head: "Disposition",
      width: "140px",
      cell: ({ disposition }) => <Chip state={stateOfDisposition(disposition)} />,
    },
    {
      head: "Key",
      card: "line",
      cell: ({ delivery_key, external_id }) => (
        <>
          <span className="id">{delivery_key || "–"}</span>
          {external_id && <span className="sub">{external_id}</span>}
        </>
      ),
    },
    {
      head: "Event",
      card: "line",
      cell: ({ event_type }) => event_type && <code>{event_type}</code>,
    },
    { head: "From", width: "120px", card: "label", cell: ({ source }) => source },
    {
      head: "Note",
      card: "line",
      cell: ({ verdict, note }) => [verdict, note].filter(Boolean).join(": "),
    },
    { head: "Control", width: "120px", card: "line", cell: (one) => <Replay delivery={one} /> },
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

function Replay({ delivery: { id, disposition } }: { delivery: Delivery }) {
  const may = useMay();
  if (disposition !== "unmatched" || !may("deliveries:control")) return null;
  return (
    <ActButton
      word="Offer again"
      label={`Offer delivery ${id} again`}
      act={() => post(`/deliveries/${id}/replay`, undefined)}
      changes={[["deliveries"]]}
      said={() => `Delivery ${id} is offered again.`}
    />
  );
}

function DeliveryDialog({
  delivery,
  now,
  close,
}: {
  delivery: Delivery;
  now: number;
  close: () => void;
}) {
  const { received_at, settled_at, verdict, note, body, targets } = delivery;
  const at = (value: string | null) => value && <Time at={value} now={now} />;
  return (
    <Dialog wide title={`Delivery ${delivery.id}`} close={close} submit={close}>
      <Facts
        facts={[
          ["Disposition", <Chip key="d" state={stateOfDisposition(delivery.disposition)} />],
          ["Received", at(received_at)],
          ["Settled", at(settled_at)],
          ["From", delivery.source],
          ["Event", delivery.event_type && <code>{delivery.event_type}</code>],
          [
            "Key",
            <span key="k" className="id">
              {delivery.delivery_key}
            </span>,
          ],
          ["Id", delivery.external_id],
          ["Verdict", [verdict, note].filter(Boolean).join(": ")],
          ["Owner", delivery.owner ?? "the system"],
        ]}
      />
      {(targets ?? []).length > 0 && (
        <ul className="targets" aria-label="Who was offered it">
          {targets.map((target) => (
            <Target key={`${target.trigger_id} ${target.step_execution_id}`} target={target} />
          ))}
        </ul>
      )}
      <CodeBlock word="Body" text={print(body)} />
      <DialogButtons>
        <button type="submit">Close</button>
      </DialogButtons>
    </Dialog>
  );
}

function Target({ target }: { target: Delivery["targets"][number] }) {
  const { trigger_id, step_execution_id, verdict, note, execution_id } = target;
  return (
    <li>
      <Chip state={stateOfFiring(verdict)} />
      {trigger_id ? (
        <Link className="plain-link" href={`${TRIGGER}/${trigger_id}`}>
          an event trigger
        </Link>
      ) : (
        <span>step {step_execution_id}</span>
      )}
      {note && <span className="muted">{note}</span>}
      <ExecutionLink id={execution_id} />
    </li>
  );
}
