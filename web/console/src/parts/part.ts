/** Parts of the console that come when they are needed. */

import { type ComponentType, type LazyExoticComponent, lazy } from "react";

// biome-ignore lint/suspicious/noExplicitAny: each knows its own props
type Loading<Part extends ComponentType<any>> = () => Promise<{ default: Part }>;

class NotLoaded extends Error {}

export const isNotLoaded = (error: unknown): boolean => error instanceof NotLoaded;

/** Like React's `lazy`; what does not come is told from what fails. */
// biome-ignore lint/suspicious/noExplicitAny: each knows its own props
export const part = <Part extends ComponentType<any>>(
  load: Loading<Part>,
): LazyExoticComponent<Part> =>
  lazy(() =>
    load().catch((error: unknown) => {
      throw new NotLoaded(String(error));
    }),
  );
