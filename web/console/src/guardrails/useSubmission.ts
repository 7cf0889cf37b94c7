/** Saying a step: what is typed stays by step until it is said, and is said once. */

import { useState } from "react";
import { change } from "../api/client";
import { Once } from "../api/once";
import { same, type Values } from "../forms/param";
import { useAct } from "../parts/act";
import { bodyOf, valuesOf } from "./submission";
import { DEPLOY_WORKFLOW, type Workflow } from "./workflow";

interface Typed {
  values: Values;
  /** What was said with the step when one began to type. */
  over: Values;
}

export function useTyped(workflow: Workflow | null, number: number) {
  const [all, setAll] = useState<Readonly<Record<number, Typed>>>({});
  const said = valuesOf(workflow, number);
  const typed = all[number];
  const values = typed?.values ?? said;
  return {
    values,
    isChanged: !same(values, said),
    /** Somebody else has said this step meanwhile, and otherwise. */
    isOvertaken: typed !== undefined && !same(typed.over, said) && !same(typed.values, said),
    said,
    type: (next: Values) =>
      setAll((before) => ({
        ...before,
        [number]: { over: before[number]?.over ?? said, values: next },
      })),
    forget: (which = number) => setAll(({ [which]: _, ...others }) => others),
    /** Mine goes over what somebody else has said. */
    insist: () => setAll((before) => ({ ...before, [number]: { values, over: said } })),
  };
}

interface Submission {
  number: number;
  values: Values;
}

/** Sent on the version that one sees: of two who change it at once, the second hears of the first. */
export function useSubmission(
  workflow: Workflow | null,
  after: (now: Workflow, said: Submission) => void,
) {
  const [once] = useState(() => new Once());
  return useAct({
    act: async ({ number, values }: Submission): Promise<Workflow> => {
      const body = bodyOf(workflow, number, values);
      if (workflow === null) return once.post<Workflow>(DEPLOY_WORKFLOW, body);
      const etag = `"${workflow.version}"`;
      return (await change<Workflow>("POST", DEPLOY_WORKFLOW, body, etag)).value;
    },
    changes: workflow ? [["guardrail workflow", workflow.workflow_id]] : [],
    after,
  });
}
