/** Saying a step: what is typed stays by step until it is said, and is said once. */

import { useRef, useState } from "react";
import { change, post } from "../api/client";
import { write } from "../api/json";
import { same, type Values } from "../forms/param";
import { useAct } from "../parts/act";
import { bodyOf, valuesOf } from "./saying";
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

interface Said {
  number: number;
  values: Values;
}

/** Sent on the version that one sees: of two who change it at once, the second hears of the first. */
export function useSaying(workflow: Workflow | null, after: (now: Workflow, said: Said) => void) {
  const keys = useRef({ body: "", key: "" });
  return useAct({
    act: async ({ number, values }: Said): Promise<Workflow> => {
      const body = bodyOf(workflow, number, values);
      if (workflow === null)
        return post<Workflow>(DEPLOY_WORKFLOW, body, keyFor(keys.current, body));
      const etag = `"${workflow.version}"`;
      return (await change<Workflow>("POST", DEPLOY_WORKFLOW, body, etag)).value;
    },
    changes: workflow ? [["guardrail workflow", workflow.workflow_id]] : [],
    after,
  });
}

/** The same for the same body: what is sent again because no answer came begins nothing twice. */
function keyFor(last: { body: string; key: string }, body: Values): string {
  const text = write(body);
  if (last.body !== text) {
    last.body = text;
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    last.key = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  return last.key;
}
