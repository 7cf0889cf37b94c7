/** The last 24 hours: how high each bar is, and the same in words. */

import { EXECUTIONS } from "../addresses";
import type { Overview } from "../api/types";
import { clock, moment } from "../time";

export type Hour = Overview["hours"][number];
export type Ended = "completed" | "failed" | "interrupted";
export type Counts = Record<Ended | "started", number>;

/** From the bottom of a bar to its top. */
export const ENDED: readonly Ended[] = ["completed", "interrupted", "failed"];

export const endedIn = (hour: Hour): number => hour.completed + hour.failed + hour.interrupted;

/** What a full bar stands for: never less than 1. */
export const most = (hours: readonly Hour[]): number => Math.max(1, ...hours.map(endedIn));

export function total(hours: readonly Hour[]): Counts {
  const sum = (name: keyof Counts) => hours.reduce((all, hour) => all + hour[name], 0);
  return {
    completed: sum("completed"),
    failed: sum("failed"),
    interrupted: sum("interrupted"),
    started: sum("started"),
  };
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The executions that ended in this hour: as many as its bar has. */
export const listOf = (hour: Hour): string =>
  ended({ ended_from: hour.from, ended_before: iso(moment(hour.from) + HOUR) });

/** Those that the figure beside has counted; to the minute, for the list to be asked for once. */
export const failedInADay = (takenAt: string): string =>
  ended({ status: "FAILED", ended_from: iso(Math.floor(moment(takenAt) / 60_000) * 60_000 - DAY) });

const ended = (query: Record<string, string>) => `${EXECUTIONS}?${new URLSearchParams(query)}`;
const iso = (at: number) => new Date(at).toISOString();

/** `14:00 to 15:00`, in the viewer's zone; the last hour is not over. */
export function spanOf(hour: Hour, isLast: boolean): string {
  const from = moment(hour.from);
  return isLast ? `since ${at(from)}` : `${at(from)} to ${at(from + HOUR)}`;
}

export const at = (when: number): string => clock(when).slice(0, 5);

/** `12 completed, 1 failed, none interrupted, 14 started`. */
export function inWords({ completed, failed, interrupted, started }: Counts): string {
  const said = (count: number, word: string) => `${count === 0 ? "none" : count} ${word}`;
  return [
    said(completed, "completed"),
    said(failed, "failed"),
    said(interrupted, "interrupted"),
    said(started, "started"),
  ].join(", ");
}

/** Nothing has happened in a day, and nothing is about to. */
export const isQuiet = (overview: Overview): boolean =>
  overview.running + overview.waiting + overview.parked.count === 0 &&
  overview.hours.every((hour) => endedIn(hour) + hour.started === 0);
