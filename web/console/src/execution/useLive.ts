/** An execution as it is and as it goes on: what was fetched, and what the stream tells since. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { get } from "../api/client";
import { serverNow } from "../api/clock";
import { follow } from "../api/follow";
import { parse } from "../api/json";
import type { Event, EventList, Progress } from "../api/types";
import { inWords } from "../parts/act";
import { announce } from "../parts/announce";
import { isOpen } from "../states";
import { forward } from "./forward";
import { type History, NOTHING, withNews, withOlder } from "./history/history";
import { batches, seldom, whileVisible } from "./pace";

/** Milliseconds between two questions how things stand, at least. */
const ASK = 1_000;
/** What a question takes, so many times, is left between two: a large execution is asked less. */
const BREATH = 4;
/** Milliseconds between two questions while the stream is away. */
const POLL = 5_000;
const NEWEST = 200;

export interface Live {
  progress: Progress | undefined;
  error: Error | null;
  retry: () => void;
  history: History;
  /** Whether there are events before the first of these. */
  hasOlder: boolean;
  older: () => void;
  /** Since when the stream is away, in milliseconds. */
  awaySince: number | null;
}

export function useLive(id: string): Live {
  const client = useQueryClient();
  const [history, setHistory] = useState(NOTHING);
  const [loaded, setLoaded] = useState(false);
  const [over, setOver] = useState(false);
  const [awaySince, setAwaySince] = useState<number | null>(null);
  const took = useRef(0);
  const found = useQuery({
    queryKey: ["execution", id],
    queryFn: async ({ signal }) => {
      const begun = performance.now();
      const path = `/executions/${id}/progress?detail=steps&include_outputs=false`;
      const next = await get<Progress>(path, signal);
      took.current = performance.now() - begun;
      return forward(client.getQueryData(["execution", id]), next);
    },
    refetchInterval: awaySince === null ? false : POLL,
  });

  const newest = useQuery({
    queryKey: ["newest events", id],
    queryFn: ({ signal }) => get<EventList>(`/executions/${id}/events?limit=${NEWEST}`, signal),
    // The stream begins behind them, so without them the page would stand still.
    refetchInterval: ({ state }) => (state.data ? false : POLL),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  useEffect(() => {
    if (!newest.data) return;
    const { events } = newest.data;
    setHistory((known) => withNews(known, events.toReversed()));
    setLoaded(true);
  }, [newest.data]);

  const last = useRef(0);
  last.current = history.events.at(-1)?.sequence_number ?? 0;
  // The stream says itself when nothing follows; the status is there before the last events.
  const goesOn = loaded && !over;
  useEffect(() => {
    if (!goesOn) return;
    return whileVisible((again) => {
      const news = batches<Event>((more) => setHistory((known) => withNews(known, more)));
      const asks = seldom(
        () => Math.max(ASK, BREATH * took.current),
        () => void client.invalidateQueries({ queryKey: ["execution", id] }),
      );
      const stop = follow(`/executions/${id}/stream`, String(last.current), {
        connected: () => setAwaySince(null),
        lost: () => setAwaySince((since) => since ?? serverNow()),
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

  const first = history.events[0]?.sequence_number ?? 1;
  const older = useCallback(async () => {
    const after = Math.max(0, first - 1 - NEWEST);
    const limit = first - 1 - after;
    const more = await get<EventList>(`/executions/${id}/events?after=${after}&limit=${limit}`);
    setHistory((known) => withOlder(known, more.events));
  }, [id, first]);

  return {
    progress: found.data,
    error: found.error,
    retry: () => void found.refetch(),
    history,
    hasOlder: first > 1,
    older: () => older().catch((error: Error) => announce(inWords(error), { failed: true })),
    awaySince,
  };
}
