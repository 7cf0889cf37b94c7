import { EXECUTIONS, SCHEDULES } from "../addresses";
import type { Schedule } from "../api/types";
import { type Column, DataTable } from "../parts/DataTable";
import { Chip } from "../parts/State";
import { Dated, Time } from "../parts/Time";
import { Link } from "../router";
import { stateOfStatus } from "../states";
import { PauseOrResume, RunNow } from "./Acts";
import { PAUSED_BECAUSE, stateOfSchedule } from "./states";

export function Table({ schedules, now }: { schedules: Schedule[]; now: number }) {
  const columns: Column<Schedule>[] = [
    {
      head: "Schedule",
      names: true,
      cell: ({ name, pipeline_name }) => (
        <>
          {name}
          <span className="sub">{pipeline_name ?? "its pipeline is gone"}</span>
        </>
      ),
    },
    {
      head: "Status",
      width: "130px",
      cell: ({ status, disabled_reason }) => (
        <span title={disabled_reason ? PAUSED_BECAUSE[disabled_reason] : undefined}>
          <Chip state={stateOfSchedule(status)} />
        </span>
      ),
    },
    {
      head: "When",
      width: "24%",
      card: "line",
      cell: ({ in_words, schedule }) => (
        <>
          {in_words}
          <span className="sub">{schedule.timezone}</span>
        </>
      ),
    },
    {
      head: "Next",
      width: "112px",
      card: "label",
      cell: ({ next_run_at }) => (next_run_at ? <Dated at={next_run_at} now={now} /> : "–"),
    },
    { head: "Last", width: "136px", card: "label", cell: (one) => <Last of={one} now={now} /> },
    {
      head: "Control",
      width: "192px",
      card: "line",
      cell: (one) => (
        <span className="row-acts">
          <RunNow schedule={one} />
          <PauseOrResume schedule={one} />
        </span>
      ),
    },
  ];
  return (
    <DataTable
      label="Schedules"
      columns={columns}
      rows={schedules}
      keyOf={({ id }) => id}
      hrefOf={({ id }) => `${SCHEDULES}/${id}`}
    />
  );
}

export function Last({ of, now }: { of: Schedule; now: number }) {
  const { last_run_at, last_execution_id, last_execution_status } = of;
  if (!last_run_at) return "never";
  return (
    <>
      {last_execution_id && last_execution_status ? (
        <Link href={`${EXECUTIONS}/${last_execution_id}`}>
          <Chip state={stateOfStatus(last_execution_status)} />
        </Link>
      ) : (
        "its execution is gone"
      )}
      <span className="sub">
        <Time at={last_run_at} now={now} relative />
      </span>
    </>
  );
}
