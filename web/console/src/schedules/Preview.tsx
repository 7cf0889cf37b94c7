/** What the engine makes of an expression, while it is typed. */

import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { post } from "../api/client";
import { write } from "../api/json";
import type { SchedulePreview } from "../api/types";
import { DueTimes } from "./DueTimes";
import { type Form, hasExpression, whenOf } from "./form";

/** Milliseconds after the last key. */
const PAUSE = 300;
const SHOWN = 5;

export interface Previewed {
  data: SchedulePreview | undefined;
  error: Error | null;
}

export function usePreview(form: Form): Previewed {
  const when = write(whenOf(form));
  const settled = useSettled(when);
  const isAsked = hasExpression(form.type) ? form.expression !== "" : form.run_at !== "";
  const { data, error } = useQuery({
    queryKey: ["schedule preview", settled],
    queryFn: () =>
      post<SchedulePreview>("/schedules/preview", { schedule: JSON.parse(settled), count: SHOWN }),
    enabled: isAsked && settled === when && form.type !== "manual",
    placeholderData: keepPreviousData,
  });
  return isAsked ? { data: error ? undefined : data, error } : { data: undefined, error: null };
}

function useSettled(value: string): string {
  const [settled, settle] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => settle(value), PAUSE);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

export function Preview({ preview: { data } }: { preview: Previewed }) {
  return (
    <div className="preview" aria-live="polite">
      {data ? (
        <>
          <b>{data.in_words}</b>
          <DueTimes instants={data.next_runs} local={data.local} zone={data.timezone} />
        </>
      ) : (
        <span className="muted">What it means is said here.</span>
      )}
    </div>
  );
}
