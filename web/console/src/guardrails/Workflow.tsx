/** One workflow: the twelve steps as a wizard, the pipelines that it has started, and how it has ended. */

import { useEffect, useRef } from "react";
import { GUARDRAILS } from "../addresses";
import { byServer } from "../api/clock";
import { announce } from "../parts/announce";
import { DetailHead } from "../parts/DetailHead";
import { Failure } from "../parts/Notice";
import { useMay } from "../parts/rights";
import { useNow } from "../parts/useNow";
import { go, useQueryString, withQuery } from "../router";
import { clock } from "../time";
import { Cancel } from "./Cancel";
import { Outcome } from "./Outcome";
import { Rail } from "./Rail";
import { Runs } from "./Runs";
import { StepPanel } from "./StepPanel";
import { stepAt, stepNamed, stepToShow } from "./stepList";
import { useHeard, useWorkflow } from "./useWorkflow";
import { isOver, isRunning, nameOf, type Progress, stateOfPhase, type Workflow } from "./workflow";
import "../forms/forms.css";
import "./guardrails.css";

export default function WorkflowPage({ id }: { id?: string }) {
  return id === undefined ? <New /> : <Known id={id} />;
}

const BEGIN = { word: "Not begun", look: "waiting", icon: "dot" } as const;

function New() {
  const heard = useHeard();
  const begun = (workflow: Workflow) => {
    heard(workflow);
    go(`${GUARDRAILS}/${workflow.workflow_id}`, { replace: true });
  };
  return (
    <div className="guardrail-page">
      <DetailHead list="Guardrails" href={GUARDRAILS} id="new" name="New guardrail" state={BEGIN} />
      <Rail workflow={null} shown={1} />
      <div className="guardrail-main">
        <StepPanel found={null} number={1} now={0} said={begun} />
      </div>
      <aside>
        <Runs runs={[]} now={0} />
      </aside>
    </div>
  );
}

function Known({ id }: { id: string }) {
  const found = useWorkflow(id);
  if (found.data) {
    return <Shown found={found.data} awaySince={found.error ? found.dataUpdatedAt : null} />;
  }
  if (found.error) return <Failure error={found.error} retry={() => void found.refetch()} />;
  return <p className="loading">Loading the workflow…</p>;
}

function Shown({ found, awaySince }: { found: Progress; awaySince: number | null }) {
  const { workflow } = found;
  const heard = useHeard();
  const now = useNow(isRunning(workflow));
  const may = useMay();
  const shown = stepNamed(useQueryString().get("step")) ?? stepToShow(workflow);
  useSpoken(workflow);
  return (
    <div className="guardrail-page">
      <DetailHead
        list="Guardrails"
        href={GUARDRAILS}
        id={workflow.workflow_id}
        name={nameOf(workflow)}
        state={stateOfPhase(workflow.phase)}
      >
        {awaySince !== null && (
          <span className="away" role="status">
            <span className="dot" /> cannot be reached since {clock(byServer(awaySince))}
          </span>
        )}
        {!isOver(workflow) && workflow.phase !== "cancelling" && may("guardrails:write") && (
          <Cancel workflow={workflow} />
        )}
      </DetailHead>
      <Rail workflow={workflow} shown={shown} />
      <div className="guardrail-main">
        <Outcome workflow={workflow} />
        <StepPanel
          found={found}
          number={shown}
          now={now}
          said={(next) => {
            heard(next);
            go(withQuery({ step: null }));
          }}
        />
      </div>
      <aside>
        <Runs runs={workflow.runs} now={now} />
      </aside>
    </div>
  );
}

/** Says aloud what a pipeline has come to; it may end while one reads something else. */
function useSpoken({ phase, next_step, reason }: Workflow): void {
  const before = useRef(phase);
  useEffect(() => {
    if (before.current === phase) return;
    before.current = phase;
    if (isRunning({ phase })) return; // it was started here, or the page shows it
    const failed = phase === "failed";
    const next = next_step && `Step ${next_step}, ${stepAt(next_step).word}, is next.`;
    announce(`${stateOfPhase(phase).word}. ${(failed ? reason : next) ?? ""}`, { failed });
  }, [phase, next_step, reason]);
}
