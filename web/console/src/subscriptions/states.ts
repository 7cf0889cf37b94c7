/** How subscriptions and their messages stand, and where they go, in words. */

import type { Subscription } from "../api/types";
import { type State, stateIn } from "../states";

export const STATUSES = ["active", "paused", "failed", "expired"] as const;

const STATUS: Record<string, State> = {
  active: { word: "Active", look: "done", icon: "check" },
  paused: { word: "Paused", look: "retrying", icon: "pause" },
  failed: { word: "Failed", look: "failed", icon: "cross" },
  expired: { word: "Expired", look: "waiting", icon: "clock" },
};

export const MESSAGE_STATUSES = ["waiting", "sent", "dead"] as const;

const MESSAGE: Record<string, State> = {
  waiting: { word: "Waiting", look: "running", icon: "clock" },
  sent: { word: "Sent", look: "done", icon: "check" },
  dead: { word: "Given up", look: "failed", icon: "cross" },
};

export const stateOfSubscription = (status: string): State => stateIn(STATUS, status);
export const stateOfMessage = (status: string): State => stateIn(MESSAGE, status);

export const TARGETS = [
  ["http", "a URL"],
  ["redis_channel", "a channel of Redis"],
  ["redis_stream", "a stream of Redis"],
  ["dapr", "a topic of Dapr"],
] as const;

export const FORMATS = [
  ["event", "CloudEvents"],
  ["reference", "the envelope of the reference service"],
] as const;

/** Why it ends, or has failed. */
export const BECAUSE: Record<string, string> = {
  expired: "its time was over",
  execution_ended: "the execution that it was of has ended",
  pipeline_deleted: "its pipeline was deleted",
  gone: "the receiver has said that it is gone (410)",
};

/** Where its messages go, whatever kind of place that is. */
export function addressOf({ target }: Pick<Subscription, "target">): string {
  return target.url ?? target.key ?? target.channel ?? target.stream ?? target.topic ?? "";
}

/** Which events, in words. */
export function eventsOf({ event_types }: Pick<Subscription, "event_types">): string {
  if (event_types === null) return "all events";
  return event_types.length === 0 ? "only what names it" : event_types.join(", ");
}
