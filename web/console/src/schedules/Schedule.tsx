/** One schedule: when, what, what is to come, and its ledger. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { EXECUTIONS, SCHEDULES } from "../addresses";
import { get, read } from "../api/client";
import { print } from "../api/json";
import type { Schedule as AnySchedule } from "../api/types";
import { CodeBlock } from "../parts/CodeBlock";
import { Facts, Section } from "../parts/Facts";
import { Failure } from "../parts/Notice";
import { useNow } from "../parts/now";
import { useMay } from "../parts/rights";
import { Skeleton } from "../parts/Skeleton";
import { ThingHead } from "../parts/Thing";
import { Time } from "../parts/Time";
import { go, Link } from "../router";
import { duration } from "../time";
import { Delete, PauseOrResume, RunNow } from "./Acts";
import { Ledger } from "./Ledger";
import { Moments } from "./Moments";
import { OVERLAPS, ScheduleForm } from "./ScheduleForm";
import { PAUSED_BECAUSE, stateOfSchedule } from "./states";
import { Last } from "./Table";
import "./schedules.css";

const LIVE = 5_000;

export default function Schedule({ id }: { id: string }) {
  const found = useQuery({
    queryKey: ["schedule", id],
    queryFn: ({ signal }) => read<AnySchedule>(`/schedules/${encodeURIComponent(id)}`, signal),
    refetchInterval: LIVE,
  });
  const now = useNow(true);
  if (found.error && !found.data) {
    return <Failure error={found.error} retry={() => void found.refetch()} />;
  }
  if (!found.data) return <Skeleton of="the schedule" />;
  const { value: schedule, etag } = found.data;
  return (
    <div className="list-page">
      <ThingHead
        list="Schedules"
        href={SCHEDULES}
        id={schedule.id}
        name={schedule.name}
        state={stateOfSchedule(schedule.status)}
      >
        <RunNow schedule={schedule} />
        <PauseOrResume schedule={schedule} />
        <Write schedule={schedule} etag={etag} />
      </ThingHead>
      {schedule.disabled_reason && (
        <p className="failure" role="status">
          <code>{schedule.disabled_reason}</code> The engine has paused it:{" "}
          {PAUSED_BECAUSE[schedule.disabled_reason] ?? "see its ledger"}.
        </p>
      )}
      <div className="panels">
        <Section title="What it does">
          <About schedule={schedule} now={now} />
        </Section>
        <Section title="Due next">
          <Next schedule={schedule} />
        </Section>
      </div>
      <Ledger schedule={schedule} now={now} />
    </div>
  );
}

function Write({ schedule, etag }: { schedule: AnySchedule; etag: string | null }) {
  const may = useMay();
  const [editing, setEditing] = useState<{ schedule: AnySchedule; etag: string | null } | null>(
    null,
  );
  if (!may("schedules:write")) return null;
  return (
    <>
      <button type="button" onClick={() => setEditing({ schedule, etag })}>
        Change
      </button>
      <Delete schedule={schedule} deleted={() => go(SCHEDULES)} />
      {editing && (
        <ScheduleForm before={editing} close={() => setEditing(null)} saved={() => undefined} />
      )}
    </>
  );
}

function About({ schedule, now }: { schedule: AnySchedule; now: number }) {
  const { schedule: when, pipeline_id, params } = schedule;
  const seconds = (value: number | null) => value !== null && duration(value * 1_000);
  const at = (value: string | null) => value && <Time at={value} now={now} />;
  return (
    <div className="panel">
      {schedule.description && <p className="muted">{schedule.description}</p>}
      <Facts
        facts={[
          ["When", <b key="when">{schedule.in_words}</b>],
          ["Expression", when.expression && <code>{when.expression}</code>],
          ["At", when.run_at && <Time at={when.run_at} now={now} />],
          ["Time zone", when.timezone],
          [
            "Pipeline",
            pipeline_id ? (
              <Link key="p" className="plain-link" href={`${EXECUTIONS}?pipeline=${pipeline_id}`}>
                {schedule.pipeline_name}
              </Link>
            ) : (
              "is gone"
            ),
          ],
          ["While one is open", OVERLAPS.find(([word]) => word === schedule.overlap)?.[1]],
          ["Missed due times", MISSED[schedule.misfire]],
          ["… at most late by", seconds(schedule.catch_up_seconds)],
          ["Jitter", schedule.jitter_seconds > 0 && seconds(schedule.jitter_seconds)],
          ["Left-out times", when.dst_missing],
          ["Doubled times", when.dst_doubled],
          ["Not before", at(schedule.starts_at)],
          ["Until", at(schedule.expires_at)],
          ["Executions", executionsOf(schedule)],
          ["Pauses after", after(schedule.pause_after_failures)],
          ["Last", <Last key="last" of={schedule} now={now} />],
          ["Owner", schedule.user_id ?? "the system"],
          ["Made by", schedule.created_by],
        ]}
      />
      {Object.keys(params).length > 0 && <CodeBlock word="Params" text={print(params)} />}
    </div>
  );
}

const MISSED: Record<string, string> = {
  last: "start one execution, for the last of them",
  all: "start one execution each",
  skip: "start nothing",
};

const executionsOf = ({ run_count, max_runs }: AnySchedule): string =>
  max_runs === null ? String(run_count) : `${run_count} of at most ${max_runs}`;

const after = (failures: number | null): string | null =>
  failures === null ? null : `${failures} ${failures === 1 ? "failure" : "failures in a row"}`;

interface NextRuns {
  next_runs: string[];
  local: string[];
  timezone: string;
}

function Next({ schedule }: { schedule: AnySchedule }) {
  const { id, lock_version, next_run_at, status } = schedule;
  const found = useQuery({
    queryKey: ["schedule", id, "next", lock_version, next_run_at],
    queryFn: ({ signal }) => get<NextRuns>(`/schedules/${id}/next-runs?count=10`, signal),
  });
  return (
    <div className="panel">
      {found.error ? (
        <Failure error={found.error} />
      ) : !found.data ? (
        <p className="muted">Loading…</p>
      ) : status === "paused" ? (
        <p className="muted">It is paused: nothing is due until somebody resumes it.</p>
      ) : (
        <Moments
          instants={found.data.next_runs}
          local={found.data.local}
          zone={found.data.timezone}
        />
      )}
    </div>
  );
}
