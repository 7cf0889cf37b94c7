/** What the API has refused, field by field (RFC 9457 with JSON pointers). */

import { Problem } from "../api/client";
import { type IssueParts, issueText } from "../api/issueText";

export interface Fault {
  /** A JSON pointer into the body: `/schedule/expression`. */
  pointer: string;
  message: string;
}

export function faultsOf(error: Error | null): Fault[] {
  if (!(error instanceof Problem) || !Array.isArray(error.body.errors)) return [];
  return error.body.errors.map((told: IssueParts) => ({
    pointer: told.pointer ?? "",
    message: issueText(told),
  }));
}

/** What is wrong at a place of the body, or below it. */
export function faultAt(error: Error | null, pointer: string): string | null {
  const found = faultsOf(error).filter(
    (fault) => fault.pointer === pointer || fault.pointer.startsWith(`${pointer}/`),
  );
  return found.map((fault) => fault.message).join(" ") || null;
}

/** Those that no field of the form shows. */
export function otherFaults(error: Error | null, shown: readonly string[]): Fault[] {
  return faultsOf(error).filter(
    ({ pointer }) => !shown.some((one) => pointer === one || pointer.startsWith(`${one}/`)),
  );
}
