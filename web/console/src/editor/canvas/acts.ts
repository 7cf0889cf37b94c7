/** What one can do to the steps on the canvas, with a mouse or by keys. */

import type { Point } from "./places";

export interface Acts {
  select: (keys: string[]) => void;
  open: (key: string) => void;
  connect: (from: string, to: string) => void;
  disconnect: (lines: string[]) => void;
  remove: (keys: string[]) => void;
  add: (action: string, point: Point) => void;
  moveTo: (points: Map<string, Point>) => void;
  copy: (keys: string[]) => void;
  paste: () => void;
}
