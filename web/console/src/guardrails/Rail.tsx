/** The twelve steps beside the one that is shown: how each stands, and what was said. */

import { useState } from "react";
import { PageIcon } from "../parts/PageIcon";
import { Mark } from "../parts/State";
import { Link, withQuery } from "../router";
import { STEPS, stateOfStep, stepAt } from "./stepList";
import { summaryOf } from "./summaries";
import type { Workflow } from "./workflow";

export function Rail({ workflow, shown }: { workflow: Workflow | null; shown: number }) {
  const [open, setOpen] = useState(false);
  return (
    <nav className="rail" aria-label="Steps" data-open={open || undefined}>
      <button
        type="button"
        className="rail-menu"
        aria-expanded={open}
        aria-controls="rail-steps"
        onClick={() => setOpen(!open)}
      >
        <PageIcon name="menu" /> Step {shown} of {STEPS.length} · {stepAt(shown).word}
      </button>
      <ol id="rail-steps">
        {STEPS.map(({ number, word }) => {
          const said = summaryOf(workflow, number);
          const inner = (
            <>
              <Mark state={stateOfStep(workflow, number)} />
              <span className="rail-number">{number}</span>
              <span className="rail-word">{word}</span>
              {said && (
                <span className="rail-said" title={said}>
                  {said}
                </span>
              )}
            </>
          );
          return (
            <li key={number}>
              {workflow === null && number > 1 ? (
                <span className="rail-step">{inner}</span>
              ) : (
                <Link
                  className="rail-step"
                  href={withQuery({ step: String(number) })}
                  aria-current={number === shown ? "step" : undefined}
                  onClickCapture={() => setOpen(false)}
                >
                  {inner}
                </Link>
              )}
            </li>
          );
        })}
      </ol>
    </nav>
  );
}
