/** The form of one step: what is typed, what is wrong with it, and the way to say it. */

import { type RefObject, useEffect, useState } from "react";
import { useDrafts } from "../forms/drafts";
import { focusFirstProblem } from "../forms/ParamFields";
import type { Values } from "../forms/param";
import { type FieldProblem, problemsOf } from "../forms/problems";
import { go, withQuery } from "../router";
import { faultsOf } from "./submission";
import { useSubmission, useTyped } from "./useSubmission";
import type { Workflow } from "./workflow";

const NONE: FieldProblem[] = [];

export function useStep(
  workflow: Workflow | null,
  number: number,
  form: RefObject<HTMLFormElement | null>,
  said: (workflow: Workflow) => void,
) {
  const typed = useTyped(workflow, number);
  const [drafts, setDraft] = useDrafts();
  const [seen, setSeen] = useState(NONE);
  const saying = useSubmission(workflow, (now, { number: which }) => {
    typed.forget(which);
    said(now);
  });
  const { error, reset } = saying;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another step has no problems yet
  useEffect(() => {
    setSeen(NONE);
    reset();
  }, [number]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when they are told
  useEffect(() => {
    if (seen.length > 0 || error) focusFirstProblem(form.current);
  }, [seen, error]);
  return {
    ...typed,
    drafts,
    setDraft,
    error,
    isPending: saying.isPending,
    problems: seen.length > 0 ? seen : problemsOf(error, ""),
    /** From the first key on, the step stays the one that is shown. */
    change: (values: Values) => {
      const shown = new URLSearchParams(location.search).get("step");
      if (workflow && shown === null) go(withQuery({ step: String(number) }), { replace: true });
      typed.type(values);
    },
    send: (values: Values) => {
      const faults = faultsOf(workflow, number, values);
      setSeen(faults);
      if (faults.length > 0 || Object.keys(drafts).length > 0) return;
      saying.once({ number, values });
    },
  };
}
