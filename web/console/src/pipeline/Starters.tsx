/** What starts a pipeline without anybody: schedules, webhooks, event triggers. */

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { SCHEDULES, TRIGGER, TRIGGERS, WEBHOOKS } from "../addresses";
import { get } from "../api/client";
import type { EventTrigger, Pipeline, Schedule, Webhook } from "../api/types";
import { CopyButton } from "../parts/CopyButton";
import { type Column, DataTable } from "../parts/DataTable";
import { stateOfEnabled } from "../parts/enabled";
import { Listed } from "../parts/Listed";
import { Chip } from "../parts/State";
import { quoted } from "../parts/shell";
import { Time } from "../parts/Time";
import { useNow } from "../parts/useNow";
import { Link } from "../router";

const MOST = 100;

export function Starters({ pipeline }: { pipeline: Pipeline }) {
  const now = useNow(true);
  const name = quoted(pipeline.name);
  return (
    <div className="starters">
      <Kind<Schedule>
        title="Schedules"
        of="schedules"
        path="/schedules"
        page={SCHEDULES}
        list={SCHEDULES}
        pipeline={pipeline}
        columns={schedules(now)}
        none={`pipeline-engine schedules create every-morning ${name} --cron "0 7 * * *"`}
      />
      <Kind<Webhook>
        title="Webhooks"
        of="webhooks"
        path="/webhooks"
        page={WEBHOOKS}
        list={WEBHOOKS}
        pipeline={pipeline}
        columns={webhooks(now)}
        none={`pipeline-engine webhooks create on-push ${name}`}
      />
      <Kind<EventTrigger>
        title="Event triggers"
        of="event triggers"
        path="/event-triggers"
        page={TRIGGER}
        list={TRIGGERS}
        pipeline={pipeline}
        columns={triggers(now)}
        none={`pipeline-engine triggers create on-build ${name} --event-type build.done`}
      />
    </div>
  );
}

interface KindProps<Row> {
  title: string;
  of: string;
  path: string;
  /** Where each has a page of its own. */
  page: string;
  /** Where they are made. */
  list: string;
  pipeline: Pipeline;
  columns: Column<Row>[];
  /** What to type to have one. */
  none: string;
}

function Kind<Row extends { id: string }>(props: KindProps<Row>) {
  const { title, of, path, page, list, pipeline, columns, none } = props;
  const found = useQuery({
    queryKey: ["pipeline", pipeline.id, of],
    queryFn: async ({ signal }) => {
      const query = `?pipeline_id=${pipeline.id}&page_size=${MOST}`;
      const answer = await get<Row[] | { schedules: Row[] }>(path + query, signal);
      return Array.isArray(answer) ? answer : answer.schedules;
    },
    refetchInterval: 15_000,
  });
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      <Listed found={found} of={of}>
        {(rows) =>
          rows.length === 0 ? (
            <p className="muted pipeline-none">
              None yet. <Link href={list}>Make one</Link>, or type <code>{none}</code>
            </p>
          ) : (
            <DataTable
              label={title}
              columns={columns}
              rows={rows}
              keyOf={({ id }) => id}
              hrefOf={({ id }) => `${page}/${id}`}
            />
          )
        }
      </Listed>
    </section>
  );
}

interface Standing {
  name: string;
  description: string | null;
  enabled: boolean;
  disabled_reason: string | null;
}

const named = (sub: (row: never) => ReactNode) => ({
  head: "Name",
  names: true,
  // biome-ignore lint/suspicious/noExplicitAny: each kind has its own second line
  cell: (row: any) => (
    <>
      {row.name || "(without a name)"}
      <span className="sub">{sub(row as never)}</span>
    </>
  ),
});

const state = {
  head: "State",
  width: "150px",
  cell: ({ enabled, disabled_reason }: Standing) => (
    <span title={disabled_reason ?? undefined}>
      <Chip state={stateOfEnabled({ enabled })} />
    </span>
  ),
};

const moment = <Row,>(head: string, now: number, at: (row: Row) => string | null) => ({
  head,
  width: "120px",
  cell: (row: Row) => {
    const when = at(row);
    return when ? <Time at={when} now={now} relative /> : <span className="muted">–</span>;
  },
});

const schedules = (now: number): Column<Schedule>[] => [
  named((row: Schedule) => row.in_words),
  { head: "When", width: "30%", cell: ({ schedule }) => <When schedule={schedule} /> },
  moment<Schedule>("Next", now, ({ next_run_at }) => next_run_at),
  moment<Schedule>("Last", now, ({ last_run_at }) => last_run_at),
  { head: "Runs", width: "80px", number: true, cell: ({ run_count }) => run_count },
  state,
];

function When({ schedule }: { schedule: Schedule["schedule"] }) {
  return (
    <>
      <code>{schedule.expression ?? schedule.run_at ?? schedule.type}</code>
      <span className="sub">{schedule.timezone}</span>
    </>
  );
}

const webhooks = (now: number): Column<Webhook>[] => [
  named((row: Webhook) => row.description ?? ""),
  {
    head: "Address",
    width: "34%",
    cell: ({ endpoint_url }) => (
      <span className="starter-address">
        <code title={endpoint_url}>{endpoint_url}</code>
        <CopyButton text={new URL(endpoint_url, location.origin).href}>Copy</CopyButton>
      </span>
    ),
  },
  moment<Webhook>("Last call", now, ({ last_triggered_at }) => last_triggered_at),
  { head: "Starts", width: "80px", number: true, cell: ({ trigger_count }) => trigger_count },
  state,
];

const triggers = (now: number): Column<EventTrigger>[] => [
  named((row: EventTrigger) => row.description ?? ""),
  {
    head: "Event",
    width: "34%",
    cell: ({ config }) => (
      <>
        <code>{config.event_type}</code>
        {config.condition && <span className="sub">if {config.condition}</span>}
      </>
    ),
  },
  moment<EventTrigger>("Last", now, ({ last_triggered_at }) => last_triggered_at),
  { head: "Starts", width: "80px", number: true, cell: ({ trigger_count }) => trigger_count },
  state,
];
