/** What the engine has against a definition, and which step and field each of it is about. */

import { issueText, stepIssueText } from "../../api/issueText";
import type { Members } from "../../api/json";
import { pathOf } from "../../api/pointer";
import { nameOf, type Placed, stepAt } from "./steps";

export interface Issue {
  pointer: string;
  code: string;
  message: string;
  hint: string | null;
}

export interface Report {
  error_details: Issue[];
  warning_details: Issue[];
  action_versions: Record<string, string>;
}

export interface Problem extends Issue {
  isWarning: boolean;
  /** The message with its hint, for whoever sees *where*. */
  told: string;
  /** The step that it is about; null for the pipeline itself. */
  step: Placed | null;
  /** What it is called: the step, and the place in it. */
  where: string;
  /** The place in the step, as a pointer; in the definition if there is no step. */
  field: string;
}

export function problemsOf(document: Members, report: Report): Problem[] {
  const all = [
    ...report.error_details.map((issue) => ({ ...issue, isWarning: false })),
    ...report.warning_details.map((issue) => ({ ...issue, isWarning: true })),
  ];
  return all.map((issue) => {
    const found = stepAt(document, pathOf(issue.pointer));
    const rest = found ? found.rest : pathOf(issue.pointer);
    const field = rest.map(
      (part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`,
    );
    const place = rest.join(".");
    const where = found ? [nameOf(found.placed.step), place].filter(Boolean).join(" · ") : place;
    const told = found ? stepIssueText(issue) : issueText(issue);
    return { ...issue, told, step: found?.placed ?? null, where, field: field.join("") };
  });
}

/** The problems of one field: of it, and of whatever stands in it. */
export const problemsAt = (problems: readonly Problem[], field: string): Problem[] =>
  problems.filter((one) => one.field === field || one.field.startsWith(`${field}/`));
