import { expect, test } from "vitest";
import type { Subscription } from "../src/api/types";
import { changed } from "../src/parts/save";
import { bodyOf, EMPTY, formOf, newBodyOf } from "../src/subscriptions/form";
import { addressOf, eventsOf } from "../src/subscriptions/states";

const stream = {
  name: "audit",
  reach: "owner",
  execution_id: null,
  pipeline_id: null,
  event_types: [],
  target: { type: "redis_stream", stream: "audit", key: "pe:messages::audit", max_length: 500 },
  format: "event",
  expires_at: null,
} as unknown as Subscription;

test("no events and all events are two things, and both survive a form", () => {
  const named = formOf(stream);
  const all = formOf({ ...stream, event_types: null as unknown as string[] });

  expect([named.events, bodyOf(named).event_types]).toEqual(["named", []]);
  expect([all.events, bodyOf(all).event_types]).toEqual(["all", null]);
  expect(bodyOf({ ...all, events: "some", event_types: "step_failed\n" }).event_types).toEqual([
    "step_failed",
  ]);
  expect(eventsOf(stream)).toBe("only what names it");
});

test("a target is sent by the word of its kind, without what the API adds to it", () => {
  expect(bodyOf(formOf(stream)).target).toEqual({
    type: "redis_stream",
    stream: "audit",
    max_length: 500,
  });
  expect(bodyOf({ ...EMPTY, address: "https://a.example" }).target).toEqual({
    type: "http",
    url: "https://a.example",
  });
  expect(addressOf(stream)).toBe("pe:messages::audit");
});

test("what it is of is said once, when it is made", () => {
  const form = { ...EMPTY, reach: "pipeline" as const, pipeline_id: "p" };

  expect(newBodyOf(form)).toHaveProperty("pipeline_id", "p");
  expect(bodyOf(form)).not.toHaveProperty("pipeline_id");
  expect(changed(bodyOf(form), bodyOf({ ...form, name: "n" }))).toEqual({ name: "n" });
});
