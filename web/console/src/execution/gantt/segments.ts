/** What the Gantt draws: for each row one segment per attempt and per wait, from the history. */

import { serverNow } from "../../api/clock";
import type { Event, Step } from "../../api/types";
import { isOpen, type Look, stateOfStep } from "../../states";
import { moment } from "../../time";

export interface Segment {
  from: number;
  /** null: it goes on. */
  to: number | null;
  look: Look;
  label: string;
  attempt: number;
}

export interface Mark {
  at: number;
  look: Look;
  label: string;
}

export interface Track {
  segments: Segment[];
  marks: Mark[];
  /** When the wait for the next attempt is over: from then on it is queued. */
  backOffUntil: number | null;
  /** Who has begun the last attempt. */
  worker: string | null;
}

export type Tracks = ReadonlyMap<string, Track>;

/** The tracks of all rows, after *events* (in their order); those that they do not tell of stay. */
export function tracked(events: Event[], known: Tracks = new Map()): Tracks {
  const found = new Map(known);
  const own = new Set<string>();
  for (const event of events) {
    const row = event.step_execution_id;
    if (row === null) continue;
    if (!own.has(row)) {
      own.add(row);
      found.set(row, copyOf(found.get(row)));
    }
    add(found.get(row) as Track, event);
  }
  return found;
}

const copyOf = (track: Track | undefined): Track => ({
  segments: track?.segments.map((segment) => ({ ...segment })) ?? [],
  marks: [...(track?.marks ?? [])],
  backOffUntil: track?.backOffUntil ?? null,
  worker: track?.worker ?? null,
});

function add(track: Track, event: Event): void {
  const at = moment(event.timestamp);
  const { worker, error, lost_attempt, delay_seconds } = event.event_details;
  const attempt = Number(event.event_details.attempt ?? 1);
  const begin = (look: Look, label: string, number = attempt) => {
    close(track, at);
    track.segments.push({ from: at, to: null, look, label, attempt: number });
  };
  const mark = (look: Look, label: string) => track.marks.push({ at, look, label });
  switch (event.event_type) {
    case "step_started":
      track.worker = worker ? String(worker) : null;
      begin("running", `attempt ${attempt}${worker ? ` on ${worker}` : ""}`);
      break;
    case "step_expanded":
      begin("running", "its items or steps run");
      break;
    case "step_parked":
      begin("parked", "parked");
      break;
    case "place_awaited":
      begin("waiting", "in line for a place");
      break;
    case "step_retrying":
      end(track, at, "failed");
      mark("failed", `attempt ${attempt} failed: ${error ?? ""}`);
      begin("retrying", `waits before attempt ${attempt + 1}`, attempt + 1);
      track.backOffUntil = delay_seconds === undefined ? null : at + Number(delay_seconds) * 1_000;
      break;
    case "step_recovered":
      end(track, at, "failed");
      mark("failed", `attempt ${lost_attempt ?? attempt} was lost with its worker`);
      begin("waiting", "queued again");
      break;
    case "step_completed":
      end(track, at, "done");
      mark("done", "completed");
      break;
    case "step_failed":
    case "step_timeout":
      end(track, at, "failed");
      mark("failed", String(error ?? "failed"));
      break;
    case "step_skipped":
    case "place_taken":
      close(track, at);
      break;
  }
}

/** Less than this nobody waits in a queue: it is how long a message takes. */
const CARRIAGE = 250;

function close(track: Track, at: number): void {
  const last = track.segments.at(-1);
  if (last?.to !== null || last === undefined) return;
  const { backOffUntil } = track;
  track.backOffUntil = null;
  last.to = at;
  if (last.look !== "retrying" || backOffUntil === null || at < backOffUntil + CARRIAGE) return;
  last.to = backOffUntil;
  track.segments.push({ ...last, ...QUEUED, from: backOffUntil, to: at });
}

const QUEUED = { look: "waiting", label: "queued" } as const;

/** The attempt that decided has the colour of what became of it; waits keep their own. */
function end(track: Track, at: number, look: Look): void {
  close(track, at);
  const last = track.segments.at(-1);
  if (last?.look === "running") last.look = look;
}

/** What is drawn of a row: its track, or what the row itself says, and in front what it waited. */
export function segmentsOf(
  step: Step,
  track: Track | undefined,
  readyAt: number | null,
): Segment[] {
  const told = track && track.segments.length > 0 ? drawn(track) : whole(step);
  const first = told[0]?.from ?? (step.status === "PENDING" ? null : readyAt);
  if (readyAt === null || (first !== null && first - readyAt < CARRIAGE)) return told;
  return [{ ...QUEUED, from: readyAt, to: first, attempt: 1 }, ...told];
}

/** A wait that goes on is one for its time, and one in a queue from then on. */
function drawn({ segments, backOffUntil }: Track): Segment[] {
  const last = segments.at(-1);
  if (!last || last.to !== null || last.look !== "retrying" || backOffUntil === null) {
    return segments;
  }
  if (serverNow() < backOffUntil + CARRIAGE) return segments;
  const waits = { ...last, to: backOffUntil };
  return [...segments.slice(0, -1), waits, { ...last, ...QUEUED, from: backOffUntil }];
}

/** Without a history: from when the row says it began to when it says it ended. */
function whole(step: Step): Segment[] {
  if (step.start_time === null) return [];
  const { look, word } = stateOfStep(step);
  const to =
    step.end_time === null && isOpen(step.status) ? null : moment(step.end_time ?? step.updated_at);
  return [{ from: moment(step.start_time), to, look, label: word, attempt: step.attempt }];
}

/** Since when nothing was in the way of each step; null of those that something is in the way of. */
export function readySince(
  steps: Step[],
  after: ReadonlyMap<string, string[]>,
  begun: number,
): Map<string, number | null> {
  const rows = new Map(steps.map((step) => [step.step_id, step]));
  const ready = (step: Step): number | null => {
    const ends = (after.get(step.step_id) ?? []).map((id) => {
      const before = rows.get(id);
      if (!before) return begun;
      if (isOpen(before.status)) return null;
      return before.end_time === null ? moment(before.updated_at) : moment(before.end_time);
    });
    return ends.includes(null) ? null : Math.max(begun, ...(ends as number[]));
  };
  return new Map(steps.map((step) => [step.id, ready(step)]));
}
