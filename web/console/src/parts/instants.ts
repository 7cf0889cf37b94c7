/** Instants in fields of the browser, which know local times only. */

import { exact } from "../time";

/** An instant as a field of the browser shows it, by the viewer's clocks; "" is none. */
export const localOf = (instant: string): string =>
  instant === "" ? "" : exact(Date.parse(instant)).slice(0, 16);

/** What such a field says, with the offset of the viewer's clocks. */
export const instantOf = (local: string): string =>
  local === "" ? "" : exact(new Date(local).getTime());
