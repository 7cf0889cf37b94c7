/** Which rows of a long list are near what is seen: only those are elements. */

import { type RefObject, useEffect, useLayoutEffect, useState } from "react";

/** Rows beyond the seen ones, so that a key or a flick finds something. */
const BEYOND = 12;

export interface Window {
  from: number;
  to: number;
}

/** The rows *from* (inclusive) *to* (exclusive) of *count*, all *height* pixels high. */
export function useWindow(
  frame: RefObject<HTMLElement | null>,
  count: number,
  height: number,
  above = 0,
): Window {
  const [seen, setSeen] = useState<Window>({ from: 0, to: 40 });
  const box = useShown(frame);
  useLayoutEffect(() => {
    if (!box) return;
    const look = () => setSeen((known) => seenIn(box, height, above, known));
    look();
    box.addEventListener("scroll", look, { passive: true });
    const observer = new ResizeObserver(look);
    observer.observe(box);
    return () => {
      box.removeEventListener("scroll", look);
      observer.disconnect();
    };
  }, [box, height, above]);
  const to = Math.min(count, seen.to);
  return { from: Math.max(0, Math.min(seen.from, to - 1)), to };
}

/** The element once it is there: a list may have nothing to show at first. */
export function useShown(frame: RefObject<HTMLElement | null>): HTMLElement | null {
  const [box, setBox] = useState<HTMLElement | null>(null);
  useLayoutEffect(() => {
    if (frame.current !== box) setBox(frame.current);
  });
  return box;
}

/** Rounded, so that most scrolling changes nothing. */
function seenIn(box: HTMLElement, height: number, above: number, known: Window): Window {
  const first = Math.floor((box.scrollTop - above) / height);
  const from = Math.max(0, Math.floor((first - BEYOND) / BEYOND) * BEYOND);
  const to = first + Math.ceil(box.clientHeight / height) + 2 * BEYOND;
  return known.from === from && known.to >= to - BEYOND && known.to <= to + BEYOND
    ? known
    : { from, to };
}

/** Keeps what is seen where it is when rows come in front of it. */
export function useAnchor(
  frame: RefObject<HTMLElement | null>,
  first: unknown,
  height: number,
  rowsInFront: () => number,
): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a new first row moves the others
  useEffect(() => {
    const box = frame.current;
    if (box && box.scrollTop > height) box.scrollTop += rowsInFront() * height;
  }, [first]);
}
