/** What stops, or fails, without a pipeline: as far as the caller may see it. */

import { get, Problem } from "../api/client";

export interface Dependents {
  /** `2 schedules`. */
  what: string;
  names: string[];
  /** What becomes of them. */
  then: string;
}

interface Named {
  id: string;
  name: string;
}

const SHOWN = 5;
const MOST = 200;

export async function dependents(pipeline: Named, signal?: AbortSignal): Promise<Dependents[]> {
  const of = `pipeline_id=${pipeline.id}&page_size=100`;
  const [schedules, webhooks, triggers, executions, callers] = await Promise.all([
    readable(() => get<{ schedules: Named[] }>(`/schedules?${of}`, signal)),
    readable(() => get<Named[]>(`/webhooks?${of}`, signal)),
    readable(() => get<Named[]>(`/event-triggers?${of}`, signal)),
    readable(() => get<Found>(`/executions?status=RUNNING&${of}`, signal)),
    readable(() => get<Defined[]>(`/pipelines?page_size=${MOST}`, signal)),
  ]);
  return [
    told("schedule", namesOf(schedules?.schedules), "will be disabled"),
    told("webhook", namesOf(webhooks), "will be disabled"),
    told("event trigger", namesOf(triggers), "will be disabled"),
    told("execution", idsOf(executions), "will go on"),
    told("pipeline", callersOf(pipeline, callers ?? []), "will fail where it runs this one"),
  ].filter((one) => one.names.length > 0);
}

interface Found {
  executions: { id: string }[];
}

/** What one may not read does not count; anything else that fails does. */
async function readable<Answer>(ask: () => Promise<Answer>): Promise<Answer | null> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Problem && error.status === 403) return null;
    throw error;
  }
}

const namesOf = (found: Named[] | null | undefined): string[] =>
  (found ?? []).map(({ name, id }) => name || id);

const idsOf = (found: Found | null): string[] =>
  (found?.executions ?? []).map(({ id }) => `${id.slice(0, 8)}…`);

function told(word: string, names: string[], then: string): Dependents {
  const what = `${names.length} ${word}${names.length === 1 ? "" : "s"}`;
  const more = names.length > SHOWN ? [`and ${names.length - SHOWN} more`] : [];
  return { what, then, names: [...names.slice(0, SHOWN), ...more] };
}

export interface Defined extends Named {
  dag: unknown;
}

/** The pipelines whose steps run another one, by its name or its id. */
function callersOf(pipeline: Named, all: Defined[]): string[] {
  return all
    .filter(({ id, dag }) => id !== pipeline.id && runs(dag, new Set([pipeline.id, pipeline.name])))
    .map(({ name }) => name);
}

function runs(part: unknown, named: ReadonlySet<string>): boolean {
  if (part === null || typeof part !== "object") return false;
  const { action, params } = part as { action?: unknown; params?: { pipeline?: unknown } };
  const itself = typeof action === "string" && action.split("@")[0] === "run_pipeline";
  if (itself && named.has(String(params?.pipeline))) return true;
  return Object.values(part).some((one) => runs(one, named));
}
