/** The history alone, on a page of its own: what is looked for is found by the server. */

import type { Event, Execution, Step } from "../../api/types";
import { Failure } from "../../parts/Notice";
import { Search } from "../../parts/Search";
import { go, useQueryString, withQuery } from "../../router";
import type { Live } from "../useLive";
import { EventLines, type Subject } from "./EventLog";
import { useFound } from "./useFound";

const GROUPS: Record<string, [string, string[]]> = {
  failures: [
    "failures",
    ["step_failed", "step_timeout", "step_retrying", "step_recovered", "workflow_failed"],
  ],
  ends: [
    "begins and ends",
    [
      "workflow_started",
      "workflow_completed",
      "workflow_failed",
      "workflow_interrupted",
      "step_started",
      "step_completed",
      "step_failed",
      "step_skipped",
      "step_timeout",
    ],
  ],
  waits: ["waits", ["step_parked", "step_reminder", "place_awaited", "place_taken"]],
};

interface Props {
  execution: Execution;
  chosen: Step | null;
  live: Live;
  subject: (event: Event) => Subject;
  select: (id: string) => void;
}

export function Events({ execution, chosen, live, subject, select }: Props) {
  const query = useQueryString();
  const kinds = query.get("kinds") ?? "";
  const filter = filterOf(query.get("event") ?? "", kinds, query.get("of"));
  const { history, hasOlder, older } = live;
  return (
    <section className="alone-part" aria-label="Events">
      <div className="execution-line filters">
        <Search label="Step, kind, error code or worker" name="event" />
        <select
          aria-label="Kinds of events"
          value={kinds}
          onChange={(event) =>
            go(withQuery({ kinds: event.target.value || null }), { replace: true })
          }
        >
          <option value="">all kinds</option>
          {Object.entries(GROUPS).map(([value, [word]]) => (
            <option key={value} value={value}>
              {word}
            </option>
          ))}
        </select>
        {(chosen || query.get("of")) && (
          <label className="execution-check">
            <input
              type="checkbox"
              checked={query.get("of") !== null}
              onChange={(event) =>
                go(withQuery({ of: event.target.checked ? (chosen?.step_id ?? null) : null }))
              }
            />
            only of {query.get("of") ?? chosen?.step_name}
          </label>
        )}
      </div>
      {filter === "" ? (
        <EventLines {...{ hasOlder, older, subject, select }} events={history.events} />
      ) : (
        <FoundEvents
          key={filter}
          {...{ filter, subject, select }}
          execution={execution.id}
          newest={history.events.at(-1)?.sequence_number ?? 0}
        />
      )}
    </section>
  );
}

function filterOf(text: string, kinds: string, step: string | null): string {
  const query = new URLSearchParams(text ? { q: text } : {});
  if (step) query.set("step_id", step);
  for (const kind of GROUPS[kinds]?.[1] ?? []) query.append("kind", kind);
  return query.toString();
}

interface FoundProps {
  execution: string;
  filter: string;
  newest: number;
  subject: (event: Event) => Subject;
  select: (id: string) => void;
}

function FoundEvents({ execution, filter, newest, subject, select }: FoundProps) {
  const { events, total, error, older } = useFound(execution, filter, newest);
  if (events === null) {
    return error ? <Failure error={error} /> : <p className="empty">Looking…</p>;
  }
  return (
    <>
      <p className="empty" role="status">
        {total.toLocaleString("en-GB")} found
      </p>
      <EventLines
        {...{ events, older, subject, select }}
        hasOlder={events.length < total}
        empty="No event is like that."
      />
    </>
  );
}
