import type { Limit } from "../forms/param";
import { duration } from "../time";

/** A time in seconds as people say it; a dash where there is none. */
export const took = (seconds: Limit | null | undefined): string =>
  seconds == null ? "–" : duration(Number(seconds) * 1_000);
