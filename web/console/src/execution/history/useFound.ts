import { useCallback, useEffect, useRef, useState } from "react";
import { get } from "../../api/client";
import type { Event, EventList } from "../../api/types";
import { merged } from "./events";

const PAGE = 200;

export interface Found {
  /** In their order; null until they are there. */
  events: Event[] | null;
  total: number;
  error: Error | null;
  older: () => void;
}

/** Events that the server finds with *filter* (a query), the newest first; *newest* has come in. */
export function useFound(execution: string, filter: string, newest: number): Found {
  const [events, setEvents] = useState<Event[] | null>(null);
  const [total, setTotal] = useState(0);
  const [error, setError] = useState<Error | null>(null);
  const asking = useRef(false);
  const ask = useCallback(
    async (place: string) => {
      if (asking.current) return;
      asking.current = true;
      await get<EventList>(`/executions/${execution}/events?${filter}&limit=${PAGE}${place}`)
        .then((found) => {
          setEvents((known) => merged(known ?? [], found.events.toSorted(inOrder)));
          setTotal((known) =>
            place.startsWith("&after") ? known + found.events.length : found.total_count,
          );
          setError(null);
        }, setError)
        .finally(() => {
          asking.current = false;
        });
    },
    [execution, filter],
  );
  useEffect(() => {
    setEvents(null);
    asking.current = false;
    void ask("");
  }, [ask]);
  const last = events?.at(-1)?.sequence_number ?? 0;
  useEffect(() => {
    if (last > 0 && newest > last) void ask(`&after=${last}`);
  }, [ask, newest, last]);
  return { events, total, error, older: () => void ask(`&offset=${events?.length ?? 0}`) };
}

const inOrder = (one: Event, other: Event): number => one.sequence_number - other.sequence_number;
