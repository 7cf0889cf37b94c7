/** One schedule: when, what, what is to come, and its ledger. */

import { useQuery } from "@tanstack/react-query";
import { pipelineAt, SCHEDULES } from "../addresses";
import { type Answered, get, read } from "../api/client";
import { print } from "../api/json";
import type { Schedule as AnySchedule } from "../api/types";
import { CodeBlock } from "../parts/CodeBlock";
import { DetailHead } from "../parts/DetailHead";
import { EditButton } from "../parts/EditButton";
import { Facts, Section } from "../parts/Facts";
import { Loaded } from "../parts/Listed";
import { Failure } from "../parts/Notice";
import { useMay } from "../parts/rights";
import { Stopped } from "../parts/Stopped";
import { Time } from "../parts/Time";
import { useNow } from "../parts/useNow";
import { usePolled } from "../parts/usePolled";
import { go, Link } from "../router";
import { duration } from "../time";
import { Delete, PauseOrResume, pathOf, RunNow } from "./Acts";
import { DueTimes } from "./DueTimes";
import { Ledger } from "./Ledger";
import { OVERLAPS, ScheduleForm } from "./ScheduleForm";
import { PAUSED_BECAUSE, stateOfSchedule } from "./states";
import { Last } from "./Table";
import "./schedules.css";

export default function Schedule({ id }: { id: string }) {
  const found = usePolled(["schedule", id], (signal) => read<AnySchedule>(pathOf(id), signal));
  return (
    <Loaded found={found} of="the schedule">
      {(known) => <Page known={known} />}
    </Loaded>
  );
}

function Page({ known }: { known: Answered<AnySchedule> }) {
  const now = useNow(true);
  const schedule = known.value;
  return (
    <div className="list-page">
      <DetailHead
        list="Schedules"
        href={SCHEDULES}
        id={schedule.id}
        name={schedule.name}
        state={stateOfSchedule(schedule.status)}
      >
        <RunNow schedule={schedule} />
        <PauseOrResume schedule={schedule} />
        <Write known={known} />
      </DetailHead>
      <Stopped
        reason={schedule.disabled_reason}
        did="paused"
        words={PAUSED_BECAUSE}
        elsewhere="see its ledger"
      />
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

function Write({ known }: { known: Answered<AnySchedule> }) {
  const may = useMay();
  if (!may("schedules:write")) return null;
  const schedule = known.value;
  return (
    <>
      <EditButton of={known}>
        {(before, close) => <ScheduleForm before={before} close={close} />}
      </EditButton>
      <Delete schedule={schedule} deleted={() => go(SCHEDULES)} />
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
              <Link key="p" className="plain-link" href={pipelineAt(pipeline_id)}>
                {schedule.pipeline_name}
              </Link>
            ) : (
              "is gone"
            ),
          ],
          ["While the previous is open", OVERLAPS.find(([word]) => word === schedule.overlap)?.[1]],
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
          ["Created by", schedule.created_by],
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
        <DueTimes
          instants={found.data.next_runs}
          local={found.data.local}
          zone={found.data.timezone}
        />
      )}
    </div>
  );
}
