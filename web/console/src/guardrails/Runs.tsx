/** The pipelines that a workflow has started, and the one that runs step by step. */

import { EXECUTIONS } from "../addresses";
import type { Progress as ExecutionProgress } from "../api/types";
import { Bar, type Share } from "../parts/Bar";
import { Section } from "../parts/Facts";
import { itemCounts } from "../parts/itemCounts";
import { useMay } from "../parts/rights";
import { Chip, Mark } from "../parts/State";
import { Time } from "../parts/Time";
import { Link } from "../router";
import { stateOfStep } from "../states";
import { duration, moment } from "../time";
import { useInView } from "./useInView";
import { isRunning, type Progress, type Run, stateOfRun } from "./workflow";

/** The pipeline of the step that is shown, as it goes on. */
export function Running({ found, now }: { found: Progress; now: number }) {
  const { run, progress, workflow } = found;
  const panel = useInView();
  if (run === null) return null;
  const sum = progress?.aggregated_progress;
  const percent = Math.floor(Number(sum?.overall_progress ?? 0));
  const shares: Share[] = [
    { look: workflow.phase === "cancelling" ? "retrying" : "running", share: percent },
    { look: "skipped", share: 100 - percent },
  ];
  const eta = Number(sum?.eta_seconds ?? 0);
  return (
    <section className="running-pipeline" ref={panel} aria-label="The pipeline that runs">
      <div className="run-head">
        <Chip state={stateOfRun(run)} />
        <Execution run={run} />
        <span className="run-figures">
          <b>{percent} %</b>
          {isRunning(workflow) && eta > 0 && (
            <>
              {" "}
              · about <b>{duration(eta * 1_000)}</b> left
            </>
          )}{" "}
          · {duration(now - moment(run.started_at))} so far
        </span>
      </div>
      <Bar shares={shares} label={`${percent} % done`} />
      {progress && <Steps progress={progress} />}
    </section>
  );
}

function Steps({ progress }: { progress: ExecutionProgress }) {
  return (
    <ol className="run-steps">
      {progress.steps.map((step) => (
        <li key={step.id}>
          <Mark state={stateOfStep(step)} />
          <span>{step.step_name || step.step_id}</span>
          {step.items && (
            <span className="muted">
              {itemCounts(step.items)
                .map(({ count, word }) => `${count} ${word}`)
                .join(", ")}
            </span>
          )}
        </li>
      ))}
    </ol>
  );
}

export function Runs({ runs, now }: { runs: readonly Run[]; now: number }) {
  return (
    <Section title="Pipelines">
      {runs.length === 0 ? (
        <p className="muted">
          None was started yet. Onboarding, the recommendation of clusters and the deployment are
          pipelines; each will be listed here.
        </p>
      ) : (
        <ol className="guardrail-runs">
          {runs.toReversed().map((run) => (
            <li key={run.execution_id}>
              <RunLine run={run} now={now} />
            </li>
          ))}
        </ol>
      )}
    </Section>
  );
}

function RunLine({ run, now }: { run: Run; now: number }) {
  const { started_at, ended_at, number, error } = run;
  const until = ended_at === null ? now : moment(ended_at);
  return (
    <>
      <div className="run-head">
        <Chip state={stateOfRun(run)} />
        <Execution run={run} />
      </div>
      <p className="muted">
        {number > 1 && `run ${number} · `}
        <Time at={started_at} now={now} relative /> · {ended_at === null ? "for" : "took"}{" "}
        {duration(until - moment(started_at))}
      </p>
      {error && (
        <p className="failure">
          {String(error.message ?? "")} <code>{String(error.code ?? "")}</code>
        </p>
      )}
    </>
  );
}

function Execution({ run }: { run: Run }) {
  const may = useMay();
  if (!may("executions:read")) return <span className="run-name">{run.pipeline}</span>;
  return (
    <Link className="run-name" href={`${EXECUTIONS}/${run.execution_id}`}>
      {run.pipeline}
    </Link>
  );
}
