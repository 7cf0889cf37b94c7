import { useEffect, useRef } from "react";
import type { Attempt, OneStep } from "../../api/types";
import { Chip } from "../../parts/State";
import { Time } from "../../parts/Time";
import { Link, useQueryString, withQuery } from "../../router";
import { type State, stateOfStep } from "../../states";
import { duration, moment } from "../../time";

const LOST: State = { word: "Lost", look: "failed", icon: "cross" };

/** What each attempt did, where, for how long, and how it ended. */
export function Attempts({ row, now }: { row: OneStep; now: number }) {
  const chosen = Number(useQueryString().get("attempt")) || null;
  if (row.attempts.length === 0) return <p className="empty">No attempt has begun yet.</p>;
  return (
    <ol className="attempt-list">
      {row.attempts.map((attempt, at) => (
        <One
          key={attempt.attempt}
          {...{ attempt, now }}
          before={row.attempts[at - 1]}
          parked={row.parked && attempt.attempt === row.attempt}
          chosen={attempt.attempt === chosen}
        />
      ))}
    </ol>
  );
}

interface Props {
  attempt: Attempt;
  before: Attempt | undefined;
  parked: boolean;
  now: number;
  chosen: boolean;
}

function One({ attempt, before, parked, now, chosen }: Props) {
  const line = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (chosen) line.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  const { started_at, ended_at, status, error, worker } = attempt;
  const state = status === "LOST" ? LOST : stateOfStep({ status, parked, waits_for_place: false });
  const until = ended_at === null ? now : moment(ended_at);
  const waited = before?.ended_at && started_at ? moment(started_at) - moment(before.ended_at) : 0;
  return (
    <li ref={line} aria-current={chosen ? "true" : undefined}>
      <div className="execution-line">
        <b>Attempt {attempt.attempt}</b>
        <Chip state={state} />
        <span className="took">
          {started_at && duration(until - moment(started_at))}
          {ended_at === null && status === "RUNNING" && " so far"}
        </span>
      </div>
      {error && (
        <p className="tint-failed">
          {error.code && <code>{error.code}</code>} {error.message}
        </p>
      )}
      <p className="muted">
        {started_at ? (
          <>
            from <Time at={started_at} now={now} />
          </>
        ) : (
          "so quick that its end alone is told"
        )}
        {worker && <> on {worker}</>}
        {waited > 0 && <>, {duration(waited)} after the one before</>}
        {" · "}
        <Link href={withQuery({ tab: "logs", attempt: String(attempt.attempt) })}>its log</Link>
      </p>
    </li>
  );
}
