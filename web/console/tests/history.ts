import type { Event, Progress, Step } from "../src/api/types";

/** An event of the row 7, a step; the number is its second, too. */
export function event(sequence_number: number, event_type: string, details = {}): Event {
  return {
    id: String(sequence_number),
    execution_id: "e",
    event_type,
    sequence_number,
    progress_percentage: null,
    eta_seconds: null,
    current_step_desc: "",
    event_details: { attempt: 1, step_id: "deploy", ...details },
    step_execution_id: "7",
    timestamp: at(sequence_number),
    created_at: at(sequence_number),
  };
}

export const at = (second: number): string => new Date(second * 1_000).toISOString();

export const step = (step_id: string, more: Partial<Step>): Step =>
  ({
    id: step_id,
    step_id,
    status: "PENDING",
    version: 1,
    parked: false,
    waits_for_place: false,
    start_time: null,
    end_time: null,
    updated_at: at(0),
    ...more,
  }) as Step;

export const progress = (version: number, steps: Step[]): Progress =>
  ({ execution: { id: "e", version }, steps }) as Progress;
