/** Whether the parts of the installation are well: of `/ready`, and of `/system` for who may ask it. */

import type { Ready, System } from "../api/types";
import type { State } from "../states";
import { duration } from "../time";

export interface Light {
  name: string;
  state: State;
  /** What is known of it, in a few words. */
  says: string;
}

const WELL: State = { word: "Well", look: "done", icon: "check" };
const TROUBLE: State = { word: "Not well", look: "failed", icon: "cross" };
const UNKNOWN: State = { word: "Not known", look: "waiting", icon: "dot" };

/** *ready* is null where nobody answers; *system* for who may not ask, or has had no answer yet. */
export function lightsOf(ready: Ready | null, system: System | null): Light[] {
  if (ready === null) {
    const others = ["Workers", "Beat", "PostgreSQL", "Redis"];
    return [
      { name: "Web", state: TROUBLE, says: "does not answer" },
      ...others.map((name) => ({ name, state: UNKNOWN, says: "nobody can be asked" })),
    ];
  }
  return [
    web(ready),
    workers(ready, system),
    beat(ready, system),
    postgresql(ready, system),
    redis(ready, system),
  ];
}

const partOf = (ready: Ready, name: string) => ready.parts.find((part) => part.name === name);

function light(name: string, isWell: boolean, says: string): Light {
  return { name, state: isWell ? WELL : TROUBLE, says };
}

function web(ready: Ready): Light {
  const part = partOf(ready, "web");
  return light("Web", part?.is_well ?? true, part?.note ?? "answers");
}

/** A worker of the system runs the sweep, and beat asks for it: its age tells of both. */
function workers(ready: Ready, system: System | null): Light {
  const part = partOf(ready, "workers");
  if (!part?.is_well || system === null || system.away.includes("redis")) {
    return light("Workers", part?.is_well ?? false, part?.note ?? "not known");
  }
  const unserved = unservedQueues(system);
  if (unserved.length > 0) return light("Workers", false, `nobody serves ${unserved.join(", ")}`);
  const busy = system.workers.reduce((sum, worker) => sum + worker.busy, 0);
  const slots = system.workers.reduce((sum, { slots: its }) => sum + (its ?? 0), 0);
  const count = `${system.workers.length} ${system.workers.length === 1 ? "worker" : "workers"}`;
  return light("Workers", true, slots ? `${count}, ${busy} of ${slots} busy` : count);
}

/** Queues of which nothing is taken. */
export function unservedQueues({ queues, workers: all }: System): string[] {
  const served = new Set(all.flatMap((worker) => worker.queues));
  return queues.map(({ name }) => name).filter((name) => !served.has(name));
}

function beat(ready: Ready, system: System | null): Light {
  const part = partOf(ready, "workers");
  if (system !== null && !system.away.includes("redis")) {
    const { lock_left_seconds: left, sweep_silent_seconds: silent } = system.beat;
    if (left === null) return light("Beat", false, "nobody keeps the time");
    if (part?.is_well) {
      return light("Beat", true, silent === null ? "holds its lock" : `swept ${ago(silent)}`);
    }
  }
  if (part?.is_well) return light("Beat", true, "rings for the sweep");
  return { name: "Beat", state: UNKNOWN, says: part?.note ?? "not known" };
}

const ago = (seconds: number) => (seconds < 5 ? "just now" : `${duration(seconds * 1_000)} ago`);

function postgresql(ready: Ready, system: System | null): Light {
  const database = partOf(ready, "database");
  const migrations = partOf(ready, "migrations");
  if (!database?.is_well) return light("PostgreSQL", false, database?.note ?? "not known");
  if (!migrations?.is_well) {
    return light("PostgreSQL", false, `another schema: ${migrations?.note ?? "not known"}`);
  }
  return light("PostgreSQL", true, version(system?.servers.postgresql.version) ?? database.note);
}

function redis(ready: Ready, system: System | null): Light {
  const part = partOf(ready, "redis");
  const said = version(system?.servers.redis.version);
  return light(
    "Redis",
    part?.is_well ?? false,
    (part?.is_well && said) || (part?.note ?? "not known"),
  );
}

const version = (text: string | null | undefined) => (text ? `version ${text}` : null);
