/** What the engine tells of a place, in sentences, and without the place that is shown beside it. */

import { pathOf } from "./pointer";

export interface IssueParts {
  pointer?: string | null;
  code?: string | null;
  message?: string | null;
  hint?: string | null;
}

/** `Step 'tell': `, or the place with dots: `steps.3.retry: `. */
export function issueText({ pointer, code, message, hint }: IssueParts): string {
  const place = `${pathOf(pointer ?? "").join(".")}: `;
  const words = message || code || "This does not fit";
  const said = words.startsWith(place) ? words.slice(place.length) : words;
  return sentences(said, hint);
}

/** Where the name of the step stands before it, too. */
export const stepIssueText = (issue: IssueParts): string =>
  issueText({ ...issue, message: issue.message?.replace(/^Step '[^']*': /, "") ?? null });

function sentences(first: string, second: string | null | undefined): string {
  if (!second) return first;
  return /[.!?]$/.test(first) ? `${first} ${second}` : `${first}. ${second}`;
}
