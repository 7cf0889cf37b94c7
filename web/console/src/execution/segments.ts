/** What the Gantt draws: for each row one segment per attempt and per wait, from the history. */

import type { Event } from "../api/types";
import type { Look } from "../states";
import { moment } from "../time";

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
}

/** The tracks of all rows that *events* (in their order) tell of, by the id of the row. */
export function tracks(events: Event[]): Map<string, Track> {
  const found = new Map<string, Track>();
  for (const event of events) {
    const row = event.step_execution_id;
    if (row === null) continue;
    let track = found.get(row);
    if (!track) {
      track = { segments: [], marks: [] };
      found.set(row, track);
    }
    add(track, event);
  }
  return found;
}

function add(track: Track, event: Event): void {
  const at = moment(event.timestamp);
  const { worker, error, lost_attempt } = event.event_details;
  const attempt = Number(event.event_details.attempt ?? 1);
  const begin = (look: Look, label: string) => {
    close(track, at);
    track.segments.push({ from: at, to: null, look, label, attempt });
  };
  const mark = (look: Look, label: string) => track.marks.push({ at, look, label });
  switch (event.event_type) {
    case "step_started":
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
      mark("failed", `attempt ${attempt} failed: ${error ?? ""}`);
      begin("retrying", "waits for its next attempt");
      break;
    case "step_recovered":
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

function close(track: Track, at: number): void {
  const last = track.segments.at(-1);
  if (last && last.to === null) last.to = at;
}

/** The attempt that decided has the colour of what became of it; waits keep their own. */
function end(track: Track, at: number, look: Look): void {
  close(track, at);
  const last = track.segments.at(-1);
  if (last?.look === "running") last.look = look;
}
