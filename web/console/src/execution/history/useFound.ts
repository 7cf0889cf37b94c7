import { useCallback, useEffect, useState } from "react";
import { get } from "../../api/client";
import type { Event, EventList } from "../../api/types";
import { Turns } from "../turns";
import { merged } from "./events";

const PAGE = 200;
/** Milliseconds until what has failed is asked again. */
const LATER = 5_000;

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
  const [turns] = useState(() => new Turns());
  const ask = useCallback(
    (place: string) =>
      turns.ask(
        () => get<EventList>(`/executions/${execution}/events?${filter}&limit=${PAGE}${place}`),
        (found) => {
          setEvents((known) => merged(known ?? [], found.events.toSorted(inOrder)));
          setTotal((known) =>
            place.startsWith("&after") ? known + found.events.length : found.total_count,
          );
          setError(null);
        },
        setError,
      ),
    [execution, filter, turns],
  );
  useEffect(() => {
    turns.begin();
    setEvents(null);
    setError(null);
    void ask("");
  }, [ask, turns]);
  const hasNone = events === null;
  useEffect(() => {
    if (!error || !hasNone) return undefined;
    const timer = setTimeout(() => void ask(""), LATER);
    return () => clearTimeout(timer);
  }, [ask, error, hasNone]);
  const last = events?.at(-1)?.sequence_number ?? 0;
  useEffect(() => {
    if (last > 0 && newest > last) void ask(`&after=${last}`);
  }, [ask, newest, last]);
  return { events, total, error, older: () => void ask(`&offset=${events?.length ?? 0}`) };
}

const inOrder = (one: Event, other: Event): number => one.sequence_number - other.sequence_number;
