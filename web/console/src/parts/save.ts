/** Saving a form: something new as a whole; of something that is there, only what one has changed. */

import type { QueryKey } from "@tanstack/react-query";
import { type Answered, change, Problem, read } from "../api/client";
import { write } from "../api/json";
import { useAct } from "./act";

export type Body = Record<string, unknown>;

/** What of *after* is another than before, key by key. */
export function changed(before: Body, after: Body): Body {
  const others = Object.entries(after).filter(
    ([name, value]) => write(value ?? null) !== write(before[name] ?? null),
  );
  return Object.fromEntries(others);
}

interface Saving<Made> {
  /** Where it is, or where new ones are made. */
  path: string;
  /** What is there already, and its version; null if it is new. */
  before: { body: Body; etag: string | null } | null;
  changes: QueryKey[];
  said: (made: Made) => string;
  after: (made: Made) => void;
}

export type Save = ReturnType<typeof useSave<unknown>>;

/** With `over` it is laid over what somebody else has saved meanwhile. */
export function useSave<Made>({ path, before, changes, said, after }: Saving<Made>) {
  const save = useAct({
    act: async ({ body, over }: { body: Body; over: boolean }): Promise<Answered<Made>> => {
      if (before === null) return change<Made>("POST", path, body);
      const etag = over ? (await read(path)).etag : before.etag;
      return change<Made>("PUT", path, changed(before.body, body), etag);
    },
    changes,
    said: ({ value }) => said(value),
    after: ({ value }) => after(value),
  });
  const isStale = save.error instanceof Problem && save.error.status === 412;
  return {
    error: isStale ? null : save.error,
    isStale,
    isPending: save.isPending,
    save: (body: Body) => save.once({ body, over: false }),
    saveOver: (body: Body) => save.once({ body, over: true }),
  };
}
