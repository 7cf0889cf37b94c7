/** The history of an execution as far as the page holds it: bounded, however long it is open. */

import type { Event } from "../../api/types";
import { type Tracks, tracked } from "../gantt/segments";
import { merged } from "./events";

export interface History {
  /** In their order, without gaps. */
  events: Event[];
  tracks: Tracks;
  /** Somebody has gone back in it: nothing is let go of then. */
  kept: boolean;
}

export const NOTHING: History = { events: [], tracks: new Map(), kept: false };

/** So many events are held; of those that came before, only their bars stay. */
const HELD = 4_000;
/** They are let go of together, because each time all others move. */
const LET_GO = 1_000;

/** What came by the stream: behind what is known, or once more. */
export function withNews(history: History, more: Event[]): History {
  const last = history.events.at(-1)?.sequence_number ?? 0;
  const news = more.filter((event) => event.sequence_number > last);
  if (news.length === 0) return history;
  const events = merged(history.events, news);
  return {
    ...history,
    events: history.kept || events.length < HELD + LET_GO ? events : events.slice(-HELD),
    tracks: tracked(news, history.tracks),
  };
}

/** What was asked for: before what is known. */
export function withOlder(history: History, more: Event[]): History {
  const events = merged(history.events, more);
  return { events, tracks: tracked(events), kept: true };
}
