/** What the engine tells of a place, in sentences, and without the place that is shown beside it. */

import { pathOf } from "./pointer";

export interface Told {
  pointer?: string | null;
  code?: string | null;
  message?: string | null;
  hint?: string | null;
}

/** `Step 'tell': `, or the place with dots: `steps.3.retry: `. */
export function toldOf({ pointer, code, message, hint }: Told): string {
  const place = `${pathOf(pointer ?? "").join(".")}: `;
  const words = message || code || "This does not fit";
  const said = words.startsWith(place) ? words.slice(place.length) : words;
  return sentences(said, hint);
}

/** Where the name of the step stands before it, too. */
export const toldOfStep = (told: Told): string =>
  toldOf({ ...told, message: told.message?.replace(/^Step '[^']*': /, "") ?? null });

function sentences(first: string, second: string | null | undefined): string {
  if (!second) return first;
  return /[.!?]$/.test(first) ? `${first} ${second}` : `${first}. ${second}`;
}
