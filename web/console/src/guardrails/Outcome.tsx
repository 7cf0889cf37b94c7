/** How a workflow has ended, or why it does not go on; above the step that is shown. */

import type { ReactNode } from "react";
import { webAddress } from "../parts/address";
import { Link, withQuery } from "../router";
import { stepAt } from "./stepList";
import { Onboarded, TakenBack } from "./TakenBack";
import { useInView } from "./useInView";
import { fieldOf, newestRun, onboardedOf, rollbackOf, type Workflow } from "./workflow";

export function Outcome({ workflow }: { workflow: Workflow }) {
  if (workflow.phase === "completed") return <Completed workflow={workflow} />;
  if (workflow.phase === "cancelling") {
    return (
      <Panel look="retrying" title="It is being cancelled">
        <Reason workflow={workflow} />
        <p className="muted">What was made is taken back; onboarded models stay.</p>
      </Panel>
    );
  }
  if (workflow.phase === "cancelled") {
    return (
      <Panel look="waiting" title="It was cancelled">
        <Reason workflow={workflow} />
        <Left
          workflow={workflow}
          none="No deployment had begun, so nothing had to be taken back."
        />
      </Panel>
    );
  }
  return workflow.phase === "failed" ? <Failed workflow={workflow} /> : null;
}

function Reason({ workflow: { reason } }: { workflow: Workflow }) {
  if (!reason) return null;
  return (
    <p>
      <span className="muted">Reason:</span> {reason}
    </p>
  );
}

function Failed({ workflow }: { workflow: Workflow }) {
  const run = newestRun(workflow);
  const next = workflow.next_step;
  return (
    <Panel look="failed" title={`${stepAt(run?.step_number ?? workflow.current_step).word} failed`}>
      <p>
        {workflow.reason} {run?.error?.code ? <code>{String(run.error.code)}</code> : null}
      </p>
      <Left workflow={workflow} none={null} />
      {next !== null && (
        <p className="muted">
          What was chosen is still there.{" "}
          <Link href={withQuery({ step: null })}>
            Say step {next}, {stepAt(next).word}, again
          </Link>{" "}
          when the reason is gone, or cancel the workflow.
        </p>
      )}
    </Panel>
  );
}

/** What was taken back, or, where no deployment had begun, which models stay. */
function Left({ workflow, none }: { workflow: Workflow; none: string | null }) {
  const [rollback, onboarded] = [rollbackOf(workflow), onboardedOf(workflow)];
  if (rollback) return <TakenBack rollback={rollback} onboarded={onboarded} />;
  return (
    <>
      {none && <p className="muted">{none}</p>}
      {onboarded.length > 0 && (
        <dl className="guardrail-taken">
          <Onboarded models={onboarded} />
        </dl>
      )}
    </>
  );
}

function Completed({ workflow }: { workflow: Workflow }) {
  const ids = (name: string): string[] => {
    const found = fieldOf(workflow, name);
    return Array.isArray(found) ? found.map(String) : found === undefined ? [] : [String(found)];
  };
  const facts: [string, string[]][] = [
    ["Guardrail deployment", ids("deployment_id")],
    ["Profile", ids("profile_id")],
    ["Models answer at", ids("endpoint_urls")],
  ];
  return (
    <Panel look="done" title="The guardrail is deployed">
      {workflow.reason && <p>{workflow.reason}</p>}
      <dl className="guardrail-taken">
        {facts
          .filter(([, values]) => values.length > 0)
          .map(([word, values]) => (
            <div key={word}>
              <dt>{word}</dt>
              <dd>
                {values.map((value) => (
                  <Value key={value} value={value} />
                ))}
              </dd>
            </div>
          ))}
      </dl>
    </Panel>
  );
}

function Value({ value }: { value: string }) {
  const href = webAddress(value);
  return href ? (
    <a href={href} rel="noreferrer">
      <code>{value}</code>
    </a>
  ) : (
    <code>{value}</code>
  );
}

function Panel({ look, title, children }: { look: string; title: string; children: ReactNode }) {
  const panel = useInView();
  return (
    <section className={`guardrail-outcome outcome-${look}`} ref={panel} aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}
