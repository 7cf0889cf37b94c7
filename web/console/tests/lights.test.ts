import { expect, test } from "vitest";
import type { Ready, System } from "../src/api/types";
import { lightsOf } from "../src/lights/lights";

const READY: Ready = {
  status: "ready",
  database_connected: true,
  parts: [
    { name: "database", is_well: true, note: "connected" },
    { name: "migrations", is_well: true, note: "0036" },
    { name: "redis", is_well: true, note: "connected" },
    { name: "workers", is_well: true, note: "heartbeat 1 s ago" },
  ],
};
const SYSTEM = {
  away: [],
  workers: [{ name: "io@host", queues: ["io"], slots: 16, busy: 3, last_seen: "" }],
  queues: [{ name: "io", waiting: 0, oldest_seconds: null }],
  beat: { lock_left_seconds: 9, sweep_silent_seconds: 1 },
  servers: {
    postgresql: { answers: true, version: "18.6" },
    redis: { answers: true, version: "9.1" },
  },
} as unknown as System;

const told = (ready: Ready | null, system: System | null = null) =>
  Object.fromEntries(
    lightsOf(ready, system).map(({ name, state, says }) => [name, `${state.word}: ${says}`]),
  );
const without = (name: string, note: string): Ready => ({
  ...READY,
  parts: READY.parts.map((part) => (part.name === name ? { name, is_well: false, note } : part)),
});

test("whoever may not ask for more is told what everybody is", () => {
  expect(told(READY)).toEqual({
    Web: "Well: answers",
    Workers: "Well: heartbeat 1 s ago",
    Beat: "Well: rings for the sweep",
    PostgreSQL: "Well: connected",
    Redis: "Well: connected",
  });
});

test("whoever may is told how many workers there are, and which versions", () => {
  expect(told(READY, SYSTEM)).toMatchObject({
    Workers: "Well: 1 worker, 3 of 16 busy",
    Beat: "Well: swept just now",
    PostgreSQL: "Well: version 18.6",
    Redis: "Well: version 9.1",
  });
});

test("a queue that nobody serves, and a beat without its lock, are trouble", () => {
  const lonely = { ...SYSTEM, queues: [{ name: "cpu", waiting: 4, oldest_seconds: 9 }] } as System;
  const silent = { ...SYSTEM, beat: { lock_left_seconds: null, sweep_silent_seconds: 1 } };

  expect(told(READY, lonely).Workers).toBe("Not well: nobody serves cpu");
  expect(told(READY, silent as System).Beat).toBe("Not well: nobody keeps the time");
});

test("what is newer goes before what was asked a minute ago", () => {
  const late = without("workers", "heartbeat 40 s ago: the sweep is late");

  expect(told(late, SYSTEM).Workers).toBe("Not well: heartbeat 40 s ago: the sweep is late");
  expect(told(late, SYSTEM).Beat).toBe("Not known: heartbeat 40 s ago: the sweep is late");
  expect(told(without("redis", "disconnected"), SYSTEM).Redis).toBe("Not well: disconnected");
  expect(told(without("migrations", "0035")).PostgreSQL).toBe("Not well: another schema: 0035");
});

test("where nobody answers, only that is known", () => {
  expect(told(null, SYSTEM)).toMatchObject({
    Web: "Not well: does not answer",
    Redis: "Not known: nobody can be asked",
  });
});
