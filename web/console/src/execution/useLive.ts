/** An execution as it is and as it goes on: what was fetched, and what the stream tells since. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { get } from "../api/client";
import { follow } from "../api/follow";
import { parse } from "../api/json";
import type { Event, EventList, Progress } from "../api/types";
import { isOpen } from "../states";
import { merged } from "./events";

/** Milliseconds between two paints of news, and between two questions how things stand. */
const PAINT = 250;
const ASK = 1_000;
/** While the stream is away. */
const POLL = 5_000;
const NEWEST = 500;

export interface Live {
  progress: Progress | undefined;
  error: Error | null;
  retry: () => void;
  events: Event[];
  /** Whether there are events before the first of these. */
  hasOlder: boolean;
  older: () => void;
  /** Since when the stream is away, in milliseconds. */
  awaySince: number | null;
}

export function useLive(id: string): Live {
  const client = useQueryClient();
  const [events, setEvents] = useState<Event[]>([]);
  const [loaded, setLoaded] = useState(false);
  const [over, setOver] = useState(false);
  const [awaySince, setAwaySince] = useState<number | null>(null);
  const found = useQuery({
    queryKey: ["execution", id],
    queryFn: ({ signal }) =>
      get<Progress>(`/executions/${id}/progress?detail=steps&include_outputs=false`, signal),
    refetchInterval: awaySince === null ? false : POLL,
  });

  const history = useQuery({
    queryKey: ["newest events", id],
    queryFn: ({ signal }) => get<EventList>(`/executions/${id}/events?limit=${NEWEST}`, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => {
    if (!history.data) return;
    const { events: newest } = history.data;
    setEvents((known) => merged(known, newest.toReversed()));
    setLoaded(true);
  }, [history.data]);

  const last = useRef(0);
  last.current = events.at(-1)?.sequence_number ?? 0;
  // The stream says itself when nothing follows; the status is there before the last events.
  const goesOn = loaded && !over;
  useEffect(() => {
    if (!goesOn) return;
    return whileVisible((again) => {
      const news = batches<Event>((more) => setEvents((known) => merged(known, more)));
      const asks = seldom(
        ASK,
        () => void client.invalidateQueries({ queryKey: ["execution", id] }),
      );
      const stop = follow(`/executions/${id}/stream`, String(last.current), {
        connected: () => setAwaySince(null),
        lost: () => setAwaySince((since) => since ?? Date.now()),
        over: () => {
          const seen = client.getQueryData<Progress>(["execution", id]);
          if (seen && isOpen(seen.execution.status)) asks.run();
          setAwaySince(null);
          setOver(true);
        },
        frame: ({ event, data }) => {
          if (event !== "gap" && event !== "end") news.add(parse(data) as Event);
          asks.run();
        },
      });
      if (again) asks.run(); // what has happened while nobody looked
      return () => {
        stop();
        news.stop();
        asks.finish();
      };
    });
  }, [goesOn, id, client]);

  const first = events[0]?.sequence_number ?? 1;
  const older = useCallback(async () => {
    const after = Math.max(0, first - 1 - NEWEST);
    const limit = first - 1 - after;
    const more = await get<EventList>(`/executions/${id}/events?after=${after}&limit=${limit}`);
    setEvents((known) => merged(known, more.events));
  }, [id, first]);

  return {
    progress: found.data,
    error: found.error,
    retry: () => void found.refetch(),
    events,
    hasOlder: first > 1,
    older: () => void older(),
    awaySince,
  };
}

/** Run *begin* while the tab is seen: one that is hidden paints nothing and holds no connection. */
function whileVisible(begin: (again: boolean) => () => void): () => void {
  let stop: (() => void) | null = null;
  let again = false;
  const look = () => {
    if (document.hidden) {
      stop?.();
      stop = null;
    } else {
      stop ??= begin(again);
      again = true;
    }
  };
  look();
  document.addEventListener("visibilitychange", look);
  return () => {
    document.removeEventListener("visibilitychange", look);
    stop?.();
  };
}

/** Gather what comes, and hand it on four times a second at most; what is left, at the end. */
function batches<T>(hand: (batch: T[]) => void) {
  let batch: T[] = [];
  const pass = seldom(PAINT, () => {
    if (batch.length > 0) hand(batch);
    batch = [];
  });
  return {
    add(one: T) {
      batch.push(one);
      pass.run();
    },
    stop: pass.finish,
  };
}

/** Do it now, but not more often than each *pause*: what comes meanwhile makes it happen once more. */
function seldom(pause: number, act: () => void) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = Number.NEGATIVE_INFINITY;
  return {
    run() {
      timer ??= setTimeout(
        () => {
          timer = undefined;
          last = performance.now();
          act();
        },
        Math.max(0, last + pause - performance.now()),
      );
    },
    /** What was still to be done is done now. */
    finish() {
      if (timer === undefined) return;
      clearTimeout(timer);
      timer = undefined;
      act();
    },
  };
}
