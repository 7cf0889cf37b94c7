import type { ReactNode } from "react";
import type { Execution, Explanation, Finding, Step } from "../../api/types";
import { CopyButton } from "../../parts/CopyButton";
import { Time } from "../../parts/Time";
import { isOpen, stateOfStep } from "../../states";
import { duration, inThisZone, moment } from "../../time";
import type { Tracks } from "../gantt/segments";

export function ExecutionFacts(props: {
  execution: Execution;
  explanation: Explanation | undefined;
  now: number;
}) {
  const { execution, explanation, now } = props;
  const at = (value: string | null) => value && <Time at={value} now={now} />;
  return (
    <>
      {isOpen(execution.status) && <Why findings={explanation?.findings} of="execution" />}
      <Facts
        facts={[
          [
            "Id",
            <span className="id" key="id">
              {execution.id}
            </span>,
          ],
          ["Created", at(execution.created_at)],
          ["Started", at(execution.start_time)],
          ["Ended", at(execution.end_time)],
          [
            "Until",
            execution.deadline_at && isOpen(execution.status) ? at(execution.deadline_at) : null,
          ],
          ["Cancel asked", at(execution.cancel_requested_at)],
          ["Started by", execution.started_by],
          ["Runs for", execution.user_id],
        ]}
      />
    </>
  );
}

interface StepFactsProps {
  step: Step;
  tracks: Tracks;
  explanation: Explanation | undefined;
  now: number;
}

export function StepFacts({ step, tracks, explanation, now }: StepFactsProps) {
  const about = explanation?.findings.filter((finding) => concerns(finding, step));
  const worker = tracks.get(step.id)?.worker;
  const at = (value: string | null) => value && <Time at={value} now={now} />;
  const open = isOpen(step.status);
  return (
    <>
      {open && <Why findings={about} of="step" />}
      {step.error_message && (
        <div className="why failed">
          <b>{step.error_code ?? "Failed"}</b>
          <p>{step.error_message}</p>
        </div>
      )}
      <Facts
        facts={[
          [
            "Step",
            <span className="id" key="id">
              {step.within ? `${step.within}/` : ""}
              {step.step_id}
            </span>,
          ],
          ["Started", at(step.start_time)],
          ["Ended", at(step.end_time)],
          [open ? "For" : "Took", tookOf(step, now)],
          ["Skipped", step.skip_reason && `because: ${step.skip_reason}`],
          ["Until", open ? at(step.timeout_at) : null],
          ["Goes on", open ? at(step.due_at) : null],
          ["Attempt", step.attempt > 0 ? String(step.attempt) : null],
          ["Worker", step.parked ? "none: a parked step holds no worker" : (worker ?? null)],
          [
            "Progress",
            stateOfStep(step).look === "running"
              ? `${Math.floor(Number(step.progress_percentage))} %`
              : null,
          ],
          [
            "External id",
            step.external_workflow_id && (
              <span className="id" key="ext">
                {step.external_workflow_id}
              </span>
            ),
          ],
          [
            "Answer to",
            step.parked && step.callback_url && (
              <CopyButton key="copy" text={step.callback_url}>
                Copy callback URL
              </CopyButton>
            ),
          ],
        ]}
      />
    </>
  );
}

/** Of an item only what is about it; of a step also what is about its items. */
function concerns(finding: Finding, step: Step): boolean {
  if (finding.step_id !== step.step_id && !isAround(finding, step)) return false;
  return (
    step.kind !== "item" || finding.item_index === null || finding.item_index === step.item_index
  );
}

const isAround = (finding: Finding, step: Step): boolean =>
  step.inside !== null && (finding.within ?? "").startsWith(step.step_id);

function tookOf(step: Step, now: number): string | null {
  if (step.start_time === null) return null;
  const until = step.end_time ? moment(step.end_time) : now;
  return duration(until - moment(step.start_time));
}

function Why({ findings, of }: { findings: Finding[] | undefined; of: string }) {
  if (findings === undefined) return null;
  const kinds = kindsOf(findings);
  const parked = findings.some((finding) => finding.code === "parked");
  return (
    <div className={`why ${parked ? "parked" : "running"}`}>
      <b>Why is it waiting?</b>
      {kinds.length === 0 && <p>Nothing holds this {of} up at the moment.</p>}
      {kinds.slice(0, SHOWN).map(([finding, alike]) => (
        <p key={`${finding.code} ${finding.within} ${finding.step_id}`}>
          <strong>{placeOf(finding, of)}</strong>
          {inThisZone(finding.because)}
          {alike > 0 && ` So it is with ${alike} more.`}{" "}
          <span className="advice">{finding.what_to_do}</span>
        </p>
      ))}
      {kinds.length > SHOWN && (
        <p className="advice">… and {kinds.length - SHOWN} more that wait for these.</p>
      )}
    </div>
  );
}

function placeOf({ step_id, item_index }: Finding, of: string): string {
  const step = of === "execution" && step_id ? step_id : "";
  const item = item_index === null ? "" : `item ${item_index}`;
  const place = [step, item].filter(Boolean).join(", ");
  return place && `${place}: `;
}

/** One of each kind at each step, what others wait for first, and how many more are like it. */
function kindsOf(findings: Finding[]): [Finding, number][] {
  const kinds = new Map<string, [Finding, number]>();
  for (const finding of findings) {
    const key = `${finding.code} ${finding.within} ${finding.step_id}`;
    const known = kinds.get(key);
    if (known) known[1] += 1;
    else kinds.set(key, [finding, 0]);
  }
  const rank = ([finding]: [Finding, number]) => Number(DERIVED.includes(finding.code));
  return [...kinds.values()].sort((one, other) => rank(one) - rank(other));
}

const SHOWN = 4;
/** Waits that end by themselves when another one does. */
const DERIVED = ["waits_for_dependencies", "waits_for_items", "waits_for_steps", "items_held"];

function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl>
      {facts.map(
        ([name, value]) =>
          value && (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
