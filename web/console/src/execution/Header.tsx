/** What this is, how it stands, how far it is, and what one can do about it. */

import { EXECUTIONS, pipelineAt } from "../addresses";
import type { Progress } from "../api/types";
import { Bar, type Share } from "../parts/Bar";
import { CopyButton } from "../parts/CopyButton";
import { Chip } from "../parts/State";
import { Tabs } from "../parts/Tabs";
import { Trail } from "../parts/Trail";
import { Link, useQueryString, withQuery } from "../router";
import { isOpen, stateOfExecution } from "../states";
import { clock, duration, exact, moment } from "../time";
import { Cancel } from "./Cancel";
import { curlOf } from "./curl";
import { RunAgain } from "./RunAgain";
import type { Live } from "./useLive";

const VIEWS = [
  { value: null, word: "Together" },
  { value: "list", word: "List" },
  { value: "events", word: "Events" },
  { value: "logs", word: "Logs" },
];

interface Props {
  progress: Progress;
  live: Live;
  now: number;
}

export function Header({ progress, live: { awaySince, history }, now }: Props) {
  const lost = history.events.filter((event) => event.event_type === "step_recovered").length;
  const { execution } = progress;
  const view = useQueryString().get("view");
  const name = execution.pipeline_definition.pipeline_name || "(without a name)";
  const pipeline = execution.pipeline_id;
  return (
    <header className="exec-head">
      <Trail
        ways={[
          ["Executions", EXECUTIONS],
          [name, pipeline && pipelineAt(pipeline)],
        ]}
      >
        <span className="id">{execution.id}</span>
      </Trail>
      <div className="execution-title">
        <h1>{name}</h1>
        <Chip state={stateOfExecution(execution)} />
        {awaySince !== null && (
          <span className="away" role="status">
            <span className="dot" /> reconnecting since {clock(awaySince)}
          </span>
        )}
        <div className="tools">
          <CopyButton text={curlOf(execution.id)}>Copy as curl</CopyButton>
          <RunAgain execution={execution} />
          {isOpen(execution.status) && <Cancel execution={execution} />}
        </div>
      </div>
      <div className="under-title">
        <Facts progress={progress} lost={lost} now={now} />
        <Tabs label="View" name="view" tabs={VIEWS} chosen={view} reset={[]} />
      </div>
      {execution.error_info && <Failed progress={progress} />}
    </header>
  );
}

function Facts({
  progress: { execution, aggregated_progress: sum },
  lost,
  now,
}: Omit<Props, "live"> & { lost: number }) {
  const percent = Math.floor(Number(sum.overall_progress));
  const open = isOpen(execution.status);
  const { look } = stateOfExecution(execution);
  const shares: Share[] = [
    { look: open ? "running" : look, share: percent },
    { look: "skipped", share: 100 - percent },
  ];
  const begun = execution.start_time ?? execution.created_at;
  const until = execution.end_time === null ? now : moment(execution.end_time);
  return (
    <div className="facts">
      <Bar shares={shares} label={`${percent} % done`} />
      <span>
        <b>{percent} %</b> · {sum.completed_steps} of {sum.total_steps} steps
      </span>
      {open && (sum.eta_seconds ?? 0) > 0 && (
        <span>
          about <b>{duration(Number(sum.eta_seconds) * 1_000)}</b> left
        </span>
      )}
      <span title={`from ${exact(moment(begun))}`}>
        {open ? "elapsed" : "took"} <b>{duration(until - moment(begun))}</b>
      </span>
      <span title={execution.started_by ?? undefined}>
        started by <b>{execution.initiator}</b>
        {execution.user_id && <> for {execution.user_id}</>}
      </span>
      <span>
        revision <b>{execution.revision}</b>
      </span>
      {lost > 0 && (
        <span>
          {lost} lost {lost === 1 ? "attempt" : "attempts"} repeated
        </span>
      )}
      {execution.parent_execution_id && (
        <Link className="parent" href={`${EXECUTIONS}/${execution.parent_execution_id}`}>
          started by another execution ↗
        </Link>
      )}
    </div>
  );
}

/** Why it has failed, and the way to the step: what it was given and its attempts are there. */
function Failed({ progress: { execution, steps } }: { progress: Progress }) {
  const { code, message, step_id } = execution.error_info ?? {};
  const step = steps.find((one) => one.step_id === step_id);
  return (
    <p className="failure" role="status">
      <code>{String(code ?? "failed")}</code>
      {step_id !== null && step_id !== undefined && " at "}
      {step ? (
        <Link href={withQuery({ step: step.id })}>{step.step_name}</Link>
      ) : (
        String(step_id ?? "")
      )}
      {": "}
      {String(message ?? "")}
    </p>
  );
}
