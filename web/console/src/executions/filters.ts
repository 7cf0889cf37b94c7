/** What the list shows is what its address says: it can be kept, sent on, and gone back to. */

import { pageOf, pipelineOf, wordOf } from "../parts/address";
import { EXECUTION_STATUSES } from "../states";
import { clock, day, exact, moment } from "../time";

export const PAGE_SIZE = 50;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** How far back one looks, in milliseconds. */
const SPANS = { "1h": HOUR, "24h": 24 * HOUR, "7d": 7 * 24 * HOUR, "30d": 30 * 24 * HOUR };
export type SpanName = keyof typeof SPANS;
const SPAN_NAMES = Object.keys(SPANS) as SpanName[];

export interface Filters {
  q: string;
  statuses: string[];
  parked: boolean;
  pipeline: string | null;
  initiator: string;
  /** `name:value`, all of them. */
  params: string[];
  /** The last hour, day or week; else from and to are moments. */
  span: SpanName | null;
  from: string | null;
  to: string | null;
  /** Ended at or after, and before: an hour, or what a figure has counted. */
  endedFrom: string | null;
  endedBefore: string | null;
  page: number;
}

/** Their names in the address. */
export const NAMES = [
  "q",
  "status",
  "parked",
  "pipeline",
  "by",
  "param",
  "last",
  "from",
  "to",
  "ended_from",
  "ended_before",
  "page",
];

/** Read the query; what makes no sense counts as not there. */
export function filtersOf(query: URLSearchParams): Filters {
  const named = (query.get("status") ?? "").toUpperCase().split(",");
  return {
    q: query.get("q")?.trim() ?? "",
    statuses: EXECUTION_STATUSES.filter((status) => named.includes(status)),
    parked: query.get("parked") === "1",
    pipeline: pipelineOf(query),
    initiator: query.get("by")?.trim() ?? "",
    params: query.getAll("param").filter(isParam),
    span: wordOf(query, "last", SPAN_NAMES),
    from: momentOf(query.get("from")),
    to: momentOf(query.get("to")),
    endedFrom: momentOf(query.get("ended_from")),
    endedBefore: momentOf(query.get("ended_before")),
    page: pageOf(query),
  };
}

export const isParam = (text: string): boolean => /^[^:]+:/.test(text);

const momentOf = (text: string | null): string | null =>
  text && !Number.isNaN(Date.parse(text)) ? text : null;

export const isNarrowed = (query: URLSearchParams): boolean =>
  NAMES.some((name) => name !== "page" && query.has(name));

/** The same, as the API is asked; a span ends *now*, which is to the minute. */
export function requestOf(filters: Filters, now: number): string {
  const { q, statuses, parked, pipeline, initiator, params, span, from, to, page } = filters;
  const { endedFrom, endedBefore } = filters;
  const query = new URLSearchParams({ page: String(page), page_size: String(PAGE_SIZE) });
  for (const status of statuses) query.append("status", status);
  for (const param of params) query.append("param", param);
  const since = span ? new Date(minuteOf(now) - SPANS[span]).toISOString() : from && iso(from);
  const given = {
    q,
    pipeline_id: pipeline,
    initiator,
    start_date: since,
    end_date: to && iso(to),
    ended_from: endedFrom && iso(endedFrom),
    ended_before: endedBefore && iso(endedBefore),
  };
  for (const [name, value] of Object.entries(given)) if (value) query.set(name, value);
  if (parked) query.set("parked", "true");
  return `/executions?${query}`;
}

const minuteOf = (now: number): number => Math.floor(now / MINUTE) * MINUTE;
/** The browser's fields have the time of this zone, without saying so. */
const iso = (text: string): string => new Date(text).toISOString();

/** `ended 28 Nov 14:00 to 15:00`; null where it does not matter when. */
export function endedInWords({ endedFrom, endedBefore }: Filters, now: number): string | null {
  const from = endedFrom && day(moment(endedFrom), now);
  if (from && !endedBefore) return `ended since ${from}`;
  if (!endedBefore) return null;
  const before = moment(endedBefore);
  if (!from || !endedFrom) return `ended before ${day(before, now)}`;
  const isSameDay = exact(moment(endedFrom)).slice(0, 10) === exact(before).slice(0, 10);
  return `ended ${from} to ${isSameDay ? clock(before).slice(0, 5) : day(before, now)}`;
}

/** The address with a state more, or less. */
export function toggled(statuses: string[], status: string): string | null {
  const next = statuses.includes(status)
    ? statuses.filter((one) => one !== status)
    : [...statuses, status];
  return next.join(",") || null;
}
