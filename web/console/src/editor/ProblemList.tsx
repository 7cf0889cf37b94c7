/** What the engine has against the definition; each leads to its place. */

import { useState } from "react";
import { useEditor } from "./context";
import type { Checked } from "./useValidation";

const FEW = 2;

export function ProblemList({ checked }: { checked: Checked }) {
  const { jump } = useEditor();
  const [all, setAll] = useState(false);
  const { problems, isCurrent, isAway } = checked;
  const errors = problems.filter(({ isWarning }) => !isWarning).length;
  const shown = all ? problems : problems.slice(0, FEW);
  return (
    <section className="problem-bar" aria-label="Problems" data-open={all || undefined}>
      <ul>
        {shown.map(({ pointer, code, message, told, isWarning, step, field, where }) => (
          <li key={`${pointer} ${code} ${message}`}>
            <button
              type="button"
              className={isWarning ? "plain warn" : "plain bad"}
              onClick={() => jump(step?.id ?? null, field, pointer)}
            >
              <span aria-hidden="true">{isWarning ? "▲" : "●"}</span>
              <span className="unseen">{isWarning ? "Warning" : "Error"}: </span>
              <b>{where}</b>
              <span>{told}</span>
              <code>{code}</code>
            </button>
          </li>
        ))}
      </ul>
      <span className="problem-count" role="status">
        {words(errors, problems.length - errors, isCurrent, isAway)}
      </span>
      {problems.length > FEW && (
        <button type="button" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Fewer" : `All ${problems.length}`}
        </button>
      )}
    </section>
  );
}

function words(errors: number, warnings: number, isCurrent: boolean, isAway: boolean): string {
  if (isAway) return "The engine cannot be asked now";
  if (!isCurrent) return "Checking…";
  if (errors + warnings === 0) return "No problems";
  const said = [
    errors > 0 && `${errors} ${errors === 1 ? "problem" : "problems"}`,
    warnings > 0 && `${warnings} ${warnings === 1 ? "warning" : "warnings"}`,
  ];
  return said.filter(Boolean).join(", ");
}
