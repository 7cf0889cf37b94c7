import { useCallback, useEffect, useState } from "react";
import { get } from "../../api/client";
import type { LogLine, LogList } from "../../api/types";
import { Turns } from "../turns";
import { before, behind, type LogFilter, PAGE, query, type Stretch, written } from "./lines";

/** Milliseconds between two looks for new lines. */
const FOLLOW = 2_000;
/** Until what has failed is asked again. */
const LATER = 5_000;
/** The most that the server gives at once. */
const AT_ONCE = 1_000;

export interface Log {
  stretch: Stretch | null;
  error: Error | null;
  toStart: () => Promise<void>;
  toEnd: () => Promise<void>;
  earlier: () => void;
  later: () => void;
  /** The whole log, as it is saved. */
  all: (told: (lines: number) => void) => Promise<string[]>;
}

/** Begins with the last lines; reads on at both ends, and follows what is *open*. */
export function useLog(execution: string, filter: LogFilter, open: boolean): Log {
  const [stretch, setStretch] = useState<Stretch | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const key = query(filter, {}).toString();
  const [turns] = useState(() => new Turns());

  const ask = useCallback(
    async (place: Record<string, string>, limit = PAGE): Promise<LogLine[]> => {
      const asked = new URLSearchParams(key);
      for (const [name, value] of Object.entries(place)) asked.set(name, value);
      asked.set("limit", String(limit));
      return (await get<LogList>(`/executions/${execution}/logs?${asked}`)).logs;
    },
    [execution, key],
  );
  const read = useCallback(
    (place: Record<string, string>, heard: (lines: LogLine[]) => void) =>
      turns.ask(
        () => ask(place),
        (lines) => {
          heard(lines);
          setError(null);
        },
        setError,
      ),
    [ask, turns],
  );
  const toEnd = useCallback(
    () =>
      read({ tail: "true" }, (lines) =>
        setStretch({ lines, atStart: lines.length < PAGE, atEnd: true }),
      ),
    [read],
  );
  const toStart = useCallback(
    () => read({}, (lines) => setStretch({ lines, atStart: true, atEnd: lines.length < PAGE })),
    [read],
  );
  useEffect(() => {
    turns.begin();
    setStretch(null);
    setError(null);
    void toEnd();
  }, [toEnd, turns]);
  const hasNone = stretch === null;
  useEffect(() => {
    if (!error || !hasNone) return undefined;
    const timer = setTimeout(() => void toEnd(), LATER);
    return () => clearTimeout(timer);
  }, [toEnd, error, hasNone]);

  const first = stretch?.lines[0]?.cursor;
  const last = stretch?.lines.at(-1)?.cursor;
  const earlier = () => {
    if (!first || stretch?.atStart) return;
    void read({ before: first }, (more) => setStretch((known) => known && before(known, more)));
  };
  const later = useCallback(() => {
    void read(last ? { after: last } : {}, (more) => {
      if (more.length > 0) setStretch((known) => known && behind(known, more));
    });
  }, [read, last]);
  const follows = open && stretch?.atEnd;
  useEffect(() => {
    if (!follows) return;
    const timer = setInterval(() => document.hidden || later(), FOLLOW);
    return () => clearInterval(timer);
  }, [follows, later]);

  const all = async (told: (lines: number) => void) => {
    const parts: string[] = [];
    for (let after: string | undefined; ; ) {
      const lines = await ask(after ? { after } : {}, AT_ONCE);
      parts.push(...lines.map(written));
      told(parts.length);
      after = lines.at(-1)?.cursor;
      if (lines.length < AT_ONCE) return parts;
    }
  };
  return { stretch, error, toStart, toEnd, earlier, later, all };
}
