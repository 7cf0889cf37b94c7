/** The lines of a log that the page holds: one stretch of it, without gaps. */

import { print } from "../../api/json";
import type { LogLine } from "../../api/types";

export interface Stretch {
  lines: LogLine[];
  /** Whether there is nothing in front of it, and nothing behind it. */
  atStart: boolean;
  atEnd: boolean;
}

export const PAGE = 500;
/** So many lines are held; those at the other end are let go of. */
const HELD = 20_000;

export function behind({ lines, atStart }: Stretch, more: LogLine[]): Stretch {
  const all = lines.concat(more);
  return {
    lines: all.slice(-HELD),
    atStart: atStart && all.length <= HELD,
    atEnd: more.length < PAGE,
  };
}

export function before({ lines, atEnd }: Stretch, more: LogLine[]): Stretch {
  const all = more.concat(lines);
  return {
    lines: all.slice(0, HELD),
    atStart: more.length < PAGE,
    atEnd: atEnd && all.length <= HELD,
  };
}

/** As it is copied and saved: one line, unless the message has more. */
export function written(line: LogLine): string {
  const facts = Object.entries(line.facts).map(([name, value]) => ` ${name}=${print(value)}`);
  return `${line.at} ${line.level} ${line.message}${facts.join("")}\n`;
}

export interface LogFilter {
  row: string | null;
  step: string | null;
  attempt: string | null;
  level: string | null;
  text: string;
}

/** What the server is asked for, wherever one begins. */
export function query(
  { row, step, attempt, level, text }: LogFilter,
  place: Record<string, string>,
) {
  return new URLSearchParams({
    ...(row ? { step_execution_id: row } : {}),
    ...(step ? { step_id: step } : {}),
    ...(attempt ? { attempt } : {}),
    ...(level ? { level } : {}),
    ...(text ? { q: text } : {}),
    ...place,
  });
}
