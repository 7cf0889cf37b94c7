/** Make up for due times that have passed: first what that would start, then, if one still wants to, for good. */

import { useState } from "react";
import { post } from "../api/client";
import { serverNow } from "../api/clock";
import type { Backfill as MadeUp, Schedule } from "../api/types";
import { useAct } from "../parts/act";
import { Dialog, DialogButtons } from "../parts/Dialog";
import { Row, TextField } from "../parts/Field";
import { FormFailure } from "../parts/FormFailure";
import { instantOf, localOf } from "../parts/instants";
import { changesOf } from "../parts/queries";
import { Chip } from "../parts/State";
import { day, exact, moment, ZONE } from "../time";
import { pathOf } from "./Acts";
import { stateOfFire } from "./states";

const DAY = 86_400_000;

export function Backfill({ schedule, close }: { schedule: Schedule; close: () => void }) {
  const [now] = useState(serverNow);
  const [from, setFrom] = useState(() => localOf(new Date(now - DAY).toISOString()));
  const [to, setTo] = useState(() => localOf(new Date(now).toISOString()));
  const path = `${pathOf(schedule.id)}/backfill`;
  const span = { from: instantOf(from), to: instantOf(to) };
  const [shown, setShown] = useState<MadeUp | null>(null);
  const look = useAct({
    act: () => post<MadeUp>(path, { ...span, dry_run: true }),
    changes: [],
    after: setShown,
  });
  const start = useAct({
    act: () => post<MadeUp>(path, { ...span, dry_run: false }),
    changes: changesOf("schedule"),
    said: ({ started_count }) => `${countOf(started_count)} started.`,
    after: close,
  });
  const starts = shown?.fires.filter((fire) => fire.starts).length ?? 0;
  const move = (set: (value: string) => void) => (value: string) => {
    set(value);
    setShown(null); // what was shown was for another span
  };
  return (
    <Dialog
      wide
      title={`Make up for due times of “${schedule.name}”`}
      close={close}
      submit={() => (shown && starts > 0 ? start : look).once(undefined)}
    >
      <Row>
        <TextField
          label={`From (${ZONE})`}
          type="datetime-local"
          value={from}
          change={move(setFrom)}
        />
        <TextField label={`To (${ZONE})`} type="datetime-local" value={to} change={move(setTo)} />
      </Row>
      {shown ? (
        <Shown shown={shown} starts={starts} now={now} />
      ) : (
        <p>First it is said what would be started. Nothing is yet.</p>
      )}
      <FormFailure error={look.error ?? start.error} />
      <DialogButtons>
        <button type="button" onClick={close}>
          Leave it
        </button>
        {shown && starts > 0 ? (
          <button type="submit" className="main" disabled={start.isPending}>
            Start {countOf(starts)}
          </button>
        ) : (
          <button type="submit" className="main" disabled={look.isPending || !from || !to}>
            Show what would start
          </button>
        )}
      </DialogButtons>
    </Dialog>
  );
}

const countOf = (count: number): string => `${count} ${count === 1 ? "execution" : "executions"}`;

function Shown({ shown, starts, now }: { shown: MadeUp; starts: number; now: number }) {
  return (
    <div className="backfill" aria-live="polite">
      <p>
        {shown.fires.length === 0
          ? "Nothing was due in this time."
          : `${shown.fires.length} due, ${countOf(starts)} would start.`}
        {!shown.is_complete && " There are more; make up for these first."}
      </p>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keys */}
      <ol className="moments" tabIndex={0}>
        {shown.fires.map(({ due_at, starts: would, before, reason }) => (
          <li key={due_at}>
            <time dateTime={due_at} title={exact(moment(due_at))}>
              {day(moment(due_at), now)}
            </time>
            {before ? (
              <Chip state={stateOfFire(before)} />
            ) : (
              <span className="muted">not in the ledger</span>
            )}
            <span className={would ? undefined : "muted"}>
              {would ? "would start" : (reason ?? "has its execution")}
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}
