/** One event trigger: which events, what they start, and what became of them. */

import { pipelineAt, TRIGGERS } from "../addresses";
import { type Answered, get, read } from "../api/client";
import { print } from "../api/json";
import type { EventTrigger, FiringList } from "../api/types";
import { pageOf, pathWith, wordOf } from "../parts/address";
import { CodeBlock } from "../parts/CodeBlock";
import { type Column, DataTable } from "../parts/DataTable";
import { DetailHead } from "../parts/DetailHead";
import { EditButton } from "../parts/EditButton";
import { ExecutionLink } from "../parts/ExecutionLink";
import { DISABLED_BECAUSE, stateOfEnabled } from "../parts/enabled";
import { Facts, Section } from "../parts/Facts";
import { Listed, Loaded, NothingLikeThat } from "../parts/Listed";
import { Pager } from "../parts/Pager";
import { useMay } from "../parts/rights";
import { Chip } from "../parts/State";
import { Stopped } from "../parts/Stopped";
import { Tabs } from "../parts/Tabs";
import { Dated, Time } from "../parts/Time";
import { useNow } from "../parts/useNow";
import { usePolled } from "../parts/usePolled";
import { go, Link, useQueryString } from "../router";
import { duration } from "../time";
import { Delete, Enable, pathOf } from "./Acts";
import { EventFilter } from "./EventFilter";
import { OUTCOMES, stateOfFiring } from "./states";
import { TriggerForm } from "./TriggerForm";
import "./triggers.css";

const PAGE_SIZE = 25;
const TABS = [
  { value: null, word: "All" },
  ...OUTCOMES.map((value) => ({ value, word: stateOfFiring(value).word })),
];

export default function Trigger({ id }: { id: string }) {
  const found = usePolled(["trigger", id], (signal) => read<EventTrigger>(pathOf(id), signal));
  return (
    <Loaded found={found} of="the trigger">
      {(known) => <Page known={known} />}
    </Loaded>
  );
}

function Page({ known }: { known: Answered<EventTrigger> }) {
  const now = useNow(true);
  const trigger = known.value;
  return (
    <div className="list-page">
      <DetailHead
        list="Event triggers"
        href={TRIGGERS}
        id={trigger.id}
        name={trigger.name}
        state={stateOfEnabled(trigger)}
      >
        <Write known={known} />
      </DetailHead>
      <Stopped
        reason={trigger.disabled_reason}
        did="disabled"
        words={DISABLED_BECAUSE}
        elsewhere="see the audit log"
      />
      <About trigger={trigger} now={now} />
      <Firings trigger={trigger} now={now} />
    </div>
  );
}

function Write({ known }: { known: Answered<EventTrigger> }) {
  const may = useMay();
  if (!may("event-triggers:write")) return null;
  const trigger = known.value;
  return (
    <>
      <Enable trigger={trigger} />
      <EditButton of={known}>
        {(before, close) => <TriggerForm before={before} close={close} />}
      </EditButton>
      <Delete trigger={trigger} deleted={() => go(TRIGGERS)} />
    </>
  );
}

function About({ trigger, now }: { trigger: EventTrigger; now: number }) {
  const { config, params, pipeline_id, last_triggered_at } = trigger;
  const seconds = (value: number | null) => value !== null && duration(Number(value) * 1_000);
  return (
    <div className="panel">
      {trigger.description && <p className="muted">{trigger.description}</p>}
      <Facts
        facts={[
          ["Events", <EventFilter key="which" config={config} />],
          [
            "Starts",
            pipeline_id && (
              <Link key="p" className="plain-link" href={pipelineAt(pipeline_id)}>
                {trigger.pipeline_name}
              </Link>
            ),
          ],
          ["Fired", `${trigger.trigger_count}`],
          ["Last", last_triggered_at && <Time at={last_triggered_at} now={now} relative />],
          ["Counts once by", config.dedupe_key && <code>{config.dedupe_key}</code>],
          ["… for", seconds(config.dedupe_seconds)],
          ["Waits for quiet", seconds(config.quiet_seconds)],
          ["… at most", seconds(config.max_wait_seconds)],
          ["Owner", trigger.user_id ?? "the system"],
          ["Created by", trigger.created_by],
        ]}
      />
      {Object.keys(params).length > 0 && <CodeBlock word="Params" text={print(params)} />}
    </div>
  );
}

type Firing = FiringList["firings"][number];

function Firings({ trigger, now }: { trigger: EventTrigger; now: number }) {
  const query = useQueryString();
  const outcome = wordOf(query, "outcome", OUTCOMES);
  const page = pageOf(query);
  const request = { outcome, page, page_size: PAGE_SIZE };
  const found = usePolled(["trigger", trigger.id, "firings", request], (signal) =>
    get<FiringList>(pathWith(`/event-triggers/${trigger.id}/firings`, request), signal),
  );
  return (
    <Section title="Events that it was offered">
      <Tabs label="Outcome" name="outcome" tabs={TABS} chosen={outcome} />
      <Listed found={found} of="events">
        {({ firings, pagination }) =>
          firings.length > 0 ? (
            <>
              <Table firings={firings} now={now} />
              <Pager page={page} pageSize={PAGE_SIZE} total={pagination.total_count} />
            </>
          ) : outcome !== null || page > 1 ? (
            <NothingLikeThat of="event" choices={["outcome", "page"]} />
          ) : (
            <p className="panel muted">No event of its type has come since it was made.</p>
          )
        }
      </Listed>
    </Section>
  );
}

function Table({ firings, now }: { firings: Firing[]; now: number }) {
  const columns: Column<Firing>[] = [
    {
      head: "Received",
      names: true,
      width: "150px",
      cell: ({ received_at }) => <Dated at={received_at} now={now} />,
    },
    {
      head: "Outcome",
      width: "150px",
      cell: ({ outcome }) => <Chip state={stateOfFiring(outcome)} />,
    },
    { head: "Event", cell: ({ event_type }) => <code>{event_type}</code> },
    { head: "From", width: "110px", card: "label", cell: ({ source }) => source },
    { head: "Because", card: "line", cell: ({ reason }) => reason },
    {
      head: "Execution",
      card: "line",
      cell: ({ execution_id }) => <ExecutionLink id={execution_id} />,
    },
  ];
  return (
    <DataTable
      label="Events"
      columns={columns}
      rows={firings}
      keyOf={({ delivery_id }) => delivery_id}
    />
  );
}
