/** Asks how the parts are: what costs little often, what costs a second of all workers seldom. */

import { useQuery } from "@tanstack/react-query";
import { get, Problem } from "../api/client";
import type { Ready, System } from "../api/types";
import { useMay } from "../parts/rights";
import { type Light, lightsOf } from "./lights";

/** Milliseconds between two looks at `/ready`, which the server remembers for a second. */
const OFTEN = 5_000;
/** The same of `/system`, which asks each worker. */
const SELDOM = 60_000;

/** `/ready` says what is missing with a 503, which is an answer. */
async function ready(signal: AbortSignal): Promise<Ready> {
  try {
    return await get<Ready>("/ready", signal);
  } catch (error) {
    if (error instanceof Problem && Array.isArray(error.body.parts)) {
      return error.body as unknown as Ready;
    }
    throw error;
  }
}

export function useReady() {
  return useQuery({
    queryKey: ["ready"],
    queryFn: ({ signal }) => ready(signal),
    refetchInterval: OFTEN,
    retry: false,
  });
}

export function useSystem() {
  return useQuery({
    queryKey: ["system"],
    queryFn: ({ signal }) => get<System>("/system", signal),
    enabled: useMay()("admin"),
    staleTime: SELDOM - 5_000,
    refetchInterval: SELDOM,
  });
}

/** Null until there is a first answer. */
export function useLights(): Light[] | null {
  const { data, error } = useReady();
  const system = useSystem().data ?? null;
  if (error) return lightsOf(null, system);
  return data ? lightsOf(data, system) : null;
}
