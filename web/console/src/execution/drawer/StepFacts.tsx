import type { ReactNode } from "react";
import type { Execution, Explanation, OneStep } from "../../api/types";
import { CopyButton } from "../../parts/CopyButton";
import { Facts } from "../../parts/Facts";
import { Time } from "../../parts/Time";
import { isOpen, stateOfStep } from "../../states";
import { duration, moment } from "../../time";
import { Approval } from "./Approval";

import { concerns, Why } from "./Why";

interface Props {
  execution: Execution;
  row: OneStep;
  explanation: Explanation | undefined;
  now: number;
}

export function StepFacts({ execution, row, explanation, now }: Props) {
  const about = explanation?.findings.filter((finding) => concerns(finding, row));
  const open = isOpen(row.status);
  return (
    <>
      <Approval {...{ execution, row, now }} />
      {open && <Why findings={about} of="step" />}
      {row.error_message && (
        <div className="execution-why failed">
          <b>{row.error_code ?? "Failed"}</b>
          <p>{row.error_message}</p>
        </div>
      )}
      <Facts facts={factsOf(row, open, now)} />
    </>
  );
}

function factsOf(row: OneStep, open: boolean, now: number): [string, ReactNode][] {
  const at = (value: string | null) => value && <Time at={value} now={now} />;
  const id = (value: string) => (
    <span className="id" key={value}>
      {value}
    </span>
  );
  const { waits_for, parked } = row;
  const worker = row.attempts.at(-1)?.worker ?? null;
  const runs = stateOfStep(row).look === "running";
  return [
    ["Step", id(`${row.within ? `${row.within}/` : ""}${row.step_id}`)],
    ["Item", row.kind === "item" ? String(row.item_index) : null],
    ["Label", row.kind === "item" ? row.item_key || "(empty)" : null],
    ["Started", at(row.start_time)],
    ["Ended", at(row.end_time)],
    [open ? "For" : "Took", tookOf(row, now)],
    ["Skipped", row.skip_reason && `because: ${row.skip_reason}`],
    ["Waits for", parked && waits_for ? WAITS[waits_for.kind] : null],
    ["Since", parked ? at(waits_for?.since ?? null) : null],
    ["Until", open ? at((parked && waits_for?.until) || row.timeout_at) : null],
    ["Goes on", open ? at(row.due_at) : null],
    ["Attempt", row.attempt > 0 ? String(row.attempt) : null],
    ["Worker", parked ? "none: a parked step holds no worker" : worker],
    ["Progress", runs ? `${Math.floor(Number(row.progress_percentage))} %` : null],
    ["External ids", idsOf(row).length > 0 && idsOf(row).map(id)],
    [
      "Answer to",
      parked && row.callback_url && (
        <>
          <CopyButton text={row.callback_url}>Copy callback URL</CopyButton>
          {row.callback_expires_at && <> until {at(row.callback_expires_at)}</>}
        </>
      ),
    ],
  ];
}

const WAITS: Record<string, string> = {
  approval: "an approval",
  event: "an event",
  callback: "its callback",
  execution: "another execution",
  timer: "the clock",
};

function idsOf(row: OneStep): string[] {
  if (row.waits_for && row.waits_for.external_workflow_ids.length > 0) {
    return row.waits_for.external_workflow_ids;
  }
  return row.external_workflow_id ? [row.external_workflow_id] : [];
}

function tookOf(row: OneStep, now: number): string | null {
  if (row.start_time === null) return null;
  const until = row.end_time ? moment(row.end_time) : now;
  return duration(until - moment(row.start_time));
}
