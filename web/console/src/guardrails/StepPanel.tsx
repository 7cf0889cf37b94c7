/** One of the twelve steps: what it is about, its form, and the way on and back. */

import { type ComponentType, type FormEvent, useEffect, useRef } from "react";
import { useMay } from "../parts/rights";
import { Chip } from "../parts/State";
import { Link, withQuery } from "../router";
import { Notes, Overtaken, Refusal } from "./Notes";
import { Running } from "./Runs";
import { MODELS, neighbour, STEPS, stateOfStep, stepAt } from "./stepList";
import { DeploymentType, Endpoints, HardwareMode } from "./steps/Choices";
import { Clusters } from "./steps/Clusters";
import type { FormProps } from "./steps/form";
import { Load } from "./steps/Load";
import { Models, Onboarding } from "./steps/Models";
import { Project, Provider } from "./steps/Plain";
import { Probes } from "./steps/Probes";
import { Profile } from "./steps/Profile";
import { Review } from "./steps/Review";
import { buttonWord } from "./submission";
import { useSuggestions } from "./suggestions";
import { useStep } from "./useStep";
import { isOver, isRunning, newestRun, type Progress, type Workflow } from "./workflow";

const FORMS: Record<number, ComponentType<FormProps>> = {
  1: Provider,
  2: Project,
  3: Probes,
  4: Models,
  5: Onboarding,
  6: HardwareMode,
  7: Load,
  8: Clusters,
  9: DeploymentType,
  10: Endpoints,
  11: Profile,
  12: Review,
};

interface Props {
  /** Null: it is only to begin. */
  found: Progress | null;
  number: number;
  now: number;
  said: (workflow: Workflow) => void;
}

export function StepPanel({ found, number, now, said }: Props) {
  const workflow = found?.workflow ?? null;
  const form = useRef<HTMLFormElement>(null);
  const step = useStep(workflow, number, form, said);
  const earlier = useSuggestions(workflow);
  const mayNot = !useMay()("guardrails:write", "executions:run");
  const isClosed = workflow !== null && !mayBeSaid(workflow, number);
  const word = isClosed || mayNot ? null : buttonWord(workflow, number, step.isChanged);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (word !== null) step.send(step.values);
  };
  const Form = FORMS[number] as ComponentType<FormProps>;
  return (
    <section className="panel guardrail-step" aria-label={`Step ${number}`}>
      <StepHead workflow={workflow} number={number} />
      {found && isAt(found.workflow, number) && <Running found={found} now={now} />}
      <form ref={form} onSubmit={submit} noValidate>
        <fieldset className="guardrail-step-form" disabled={isClosed || mayNot}>
          <Form {...step} workflow={workflow} earlier={earlier} />
        </fieldset>
        <Notes {...{ workflow, mayNot }} values={step.isChanged ? step.values : {}} />
        {step.isOvertaken && <Overtaken giveWay={() => step.forget()} insist={step.insist} />}
        <Refusal error={step.error} number={number} />
        <div className="guardrail-step-foot">
          <Way workflow={workflow} number={number} by={-1} word="Back" />
          {number === MODELS && !isClosed && !mayNot && (
            <button type="button" disabled={step.isPending} onClick={() => step.send({})}>
              Find out anew
            </button>
          )}
          {word === null ? (
            <Way workflow={workflow} number={number} by={1} word="Next" />
          ) : (
            <button type="submit" className="main" disabled={step.isPending || step.isOvertaken}>
              {step.isPending ? "Asking the engine…" : word}
            </button>
          )}
        </div>
      </form>
    </section>
  );
}

const mayBeSaid = (workflow: Workflow, number: number): boolean =>
  !isRunning(workflow) && !isOver(workflow) && !workflow.skipped_steps.includes(number);

/** Whether the pipeline that runs is that of this step. */
const isAt = (workflow: Workflow, number: number): boolean =>
  isRunning(workflow) && newestRun(workflow)?.step_number === number;

/** Whoever has come here by a key or a press hears where he is. */
function StepHead({ workflow, number }: { workflow: Workflow | null; number: number }) {
  const { word, about, skipped } = stepAt(number);
  const head = useRef<HTMLHeadingElement>(null);
  const first = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another step is what one comes to
  useEffect(() => {
    const isTyping = document.activeElement?.matches("input, textarea, select, dialog *");
    if (!first.current && !isTyping) head.current?.focus();
    first.current = false;
  }, [number]);
  return (
    <header className="guardrail-step-head">
      <span>
        Step {number} of {STEPS.length}
      </span>
      <div>
        <h2 ref={head} tabIndex={-1}>
          {word}
        </h2>
        <Chip state={stateOfStep(workflow, number)} />
      </div>
      <p>{about}</p>
      {workflow?.skipped_steps.includes(number) && (
        <p className="guardrail-note">Skipped: {skipped}</p>
      )}
    </header>
  );
}

function Way({
  workflow,
  number,
  by,
  word,
}: {
  workflow: Workflow | null;
  number: number;
  by: 1 | -1;
  word: string;
}) {
  const to = neighbour(workflow, number, by);
  if (workflow === null || to === null) return null;
  return (
    <Link className={by < 0 ? "button back" : "button"} href={withQuery({ step: String(to) })}>
      {word}
      <span className="unseen">: {stepAt(to).word}</span>
    </Link>
  );
}
